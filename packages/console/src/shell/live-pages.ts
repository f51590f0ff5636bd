import { type InfiniteData, replaceEqualDeep, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';

interface LivePagesOptions<Page, Item> {
  key: readonly (string | null)[];
  /** The newest page for null, else the one before a cursor. */
  load: (before: string | null) => Promise<Page>;
  /** Joins pages to one list. Of items that several pages repeat, the first is kept. */
  mergePages: (pages: readonly Page[]) => Item[];
  getId: (item: Item) => string;
  pollMs: number;
}

export interface LivePages<Page, Item> {
  /** Undefined: nothing has been loaded yet. */
  items: Item[] | undefined;
  /** The newest page, as it is now. */
  newest: Page | undefined;
  /** Number of new items that arrived while older pages are shown. */
  newItems: { count: number; orMore: boolean; show: () => void };
  older: { exist: boolean; loading: boolean; load: () => void };
  error: Error | null;
  retry: () => void;
}

/**
 * A list, newest first, page by page. With one page shown it is live as a whole; with more, the newest page goes on being
 * polled: shown items are kept up to date, and new items are counted until the viewer asks for them.
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
    // To ask for all pages again is dear, and what is new comes from the newest.
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
      // Between them and what is shown there may be others: then the list begins anew.
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
