import { type InfiniteData, replaceEqualDeep, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';

interface LivePagesOptions<Page, Item> {
  key: readonly (string | null)[];
  /** Loads the newest page for null, else the page at the cursor. */
  load: (after: string | null) => Promise<Page>;
  /** Merges pages into one list. If pages repeat an item, the first one is kept. */
  mergePages: (pages: readonly Page[]) => Item[];
  getId: (item: Item) => string;
  pollMs: number;
}

/** Interval in ms at which most pages ask for news. */
export const PAGE_POLL_MS = 4000;

export interface LivePages<Page, Item> {
  /** Undefined until the first page is loaded. */
  items: Item[] | undefined;
  /** Newest page as last polled; undefined until the first page is loaded. */
  newest: Page | undefined;
  /** New items that arrived while older pages are shown. `orMore`: `count` is a lower bound. */
  newItems: { count: number; orMore: boolean; show: () => void };
  older: { exist: boolean; loading: boolean; load: () => void };
  error: Error | null;
  retry: () => void;
}

/**
 * Loads a list page by page, newest first, and polls it. While one page is shown, the whole list is live. While more pages
 * are shown, only the newest page is polled: it updates shown items, and new items are counted until the viewer asks for
 * them.
 */
export function useLivePages<Page extends { next: string | null }, Item>(
  options: LivePagesOptions<Page, Item>,
): LivePages<Page, Item> {
  const { key, load, mergePages, getId, pollMs } = options;
  const queries = useQueryClient();
  const isSinglePage = (query: { state: { data?: { pages: readonly unknown[] } | undefined } }) =>
    (query.state.data?.pages.length ?? 1) === 1;
  const pagesKey = [...key, 'pages'];
  const list = useInfiniteQuery({
    queryKey: pagesKey,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: (query) => (isSinglePage(query) ? pollMs : false),
    // Refetching all pages is expensive, and new items come from the newest page.
    refetchOnWindowFocus: isSinglePage,
    refetchOnMount: isSinglePage,
  });
  const pages = list.data?.pages;
  const head = useQuery({
    queryKey: [...key, 'newest'],
    queryFn: () => load(null),
    enabled: pages !== undefined && pages.length > 1,
    refetchInterval: pollMs,
    // Equal items stay the same objects, so that they are not rendered again.
    structuralSharing: (before, now) => replaceEqualDeep(before ?? pages?.[0], now),
  });
  const newest = pages !== undefined && pages.length > 1 ? head.data : undefined;

  const { items, newCount, hasGap } = useMemo(() => {
    if (pages === undefined) return { items: undefined, newCount: 0, hasGap: false };
    const shown = mergePages(pages);
    if (newest === undefined) return { items: shown, newCount: 0, hasGap: false };
    const known = new Set(shown.map(getId));
    const items = mergePages([newest, ...pages]).filter((item) => known.has(getId(item)));
    const latest = mergePages([newest]).map(getId);
    const newCount = latest.filter((id) => !known.has(id)).length;
    return { items, newCount, hasGap: newCount > 0 && newCount === latest.length && newest.next !== null };
  }, [pages, newest, mergePages, getId]);

  const show = () => {
    if (newest === undefined) return;
    queries.setQueryData<InfiniteData<Page, string | null>>(pagesKey, (data) =>
      // If items may be missing between the newest page and the shown ones, the list restarts.
      data === undefined || hasGap
        ? { pages: [newest], pageParams: [null] }
        : { pages: [newest, ...data.pages], pageParams: [null, ...data.pageParams] },
    );
  };
  return {
    items,
    newest: newest ?? pages?.[0],
    newItems: { count: newCount, orMore: hasGap, show },
    older: { exist: list.hasNextPage, loading: list.isFetchingNextPage, load: () => void list.fetchNextPage() },
    error: list.error ?? (newest === undefined ? null : head.error),
    retry: () => void (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch()),
  };
}
