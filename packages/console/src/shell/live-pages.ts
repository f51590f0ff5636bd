import { type InfiniteData, replaceEqualDeep, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';

interface LivePagesOptions<Page, Item> {
  key: readonly (string | null)[];
  /** Loads the newest page for null, else the page at the cursor. */
  load: (after: string | null) => Promise<Page>;
  /** Merges pages into one list. If pages repeat an item, the first one is kept. */
  mergePages: (pages: readonly Page[]) => Item[];
  getId: (item: Item) => string;
  /** Topics of the stream of changes in which the list may change; none: it is polled. */
  topics: readonly string[];
  /** Interval in ms at which it is loaded again at most. */
  every: number;
}

/** Interval in ms at which most pages load what has changed. */
export const PAGE_MS = 4000;

export interface LivePages<Page, Item> {
  /** Undefined until the first page is loaded. */
  items: Item[] | undefined;
  /** Newest page as last loaded; undefined until the first page is loaded. */
  newest: Page | undefined;
  /** New items, which are held back. `orMore`: `count` is a lower bound. */
  newItems: { count: number; orMore: boolean; show: () => void };
  older: { exist: boolean; loading: boolean; load: () => void };
  error: Error | null;
  retry: () => void;
}

/**
 * Loads a list page by page, newest first, and keeps it up to date: the newest page updates the items that are shown, and takes away
 * those that have gone. New items are counted, and held back until the viewer asks for them, so nothing moves under the eye.
 */
export function useLivePages<Page extends { next: string | null }, Item>(
  options: LivePagesOptions<Page, Item>,
): LivePages<Page, Item> {
  const { key, load, mergePages, getId, topics, every } = options;
  const queries = useQueryClient();
  const isSinglePage = (query: { state: { data?: { pages: readonly unknown[] } | undefined } }) =>
    (query.state.data?.pages.length ?? 1) === 1;
  const pagesKey = [...key, 'pages'];
  const list = useInfiniteQuery({
    queryKey: pagesKey,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchOnWindowFocus: false,
    // Loading all pages again is expensive, and new items come from the newest page.
    refetchOnMount: isSinglePage,
  });
  const pages = list.data?.pages;
  const head = useQuery({
    queryKey: [...key, 'newest'],
    queryFn: () => load(null),
    enabled: pages !== undefined,
    initialData: pages?.[0],
    initialDataUpdatedAt: list.dataUpdatedAt,
    meta: { topics, every },
    // Equal items stay the same objects, so that they are not rendered again.
    structuralSharing: (before, now) => replaceEqualDeep(before ?? pages?.[0], now),
  });
  // The first page of the list may be the newer one: after it was loaded again, but not when another page was added.
  const first = useRef({ page: pages?.[0], at: list.dataUpdatedAt });
  if (first.current.page !== pages?.[0]) first.current = { page: pages?.[0], at: list.dataUpdatedAt };
  const newest = head.dataUpdatedAt > first.current.at ? head.data : undefined;

  const { items, newCount, hasGap } = useMemo(() => {
    if (pages === undefined) return { items: undefined, newCount: 0, hasGap: false };
    const shown = mergePages(pages);
    if (newest === undefined) return { items: shown, newCount: 0, hasGap: false };
    const latest = mergePages([newest]);
    // Nothing is there that could move.
    if (shown.length === 0) return { items: latest, newCount: 0, hasGap: false };
    const known = new Set(shown.map(getId));
    const ids = new Set(latest.map(getId));
    // An item before the last one of the newest page would be in it.
    const last = newest.next === null ? shown.length : shown.findLastIndex((item) => ids.has(getId(item)));
    const gone = new Set(shown.filter((item, place) => place < last && !ids.has(getId(item))).map(getId));
    const current = new Map(mergePages([newest, ...pages]).map((item) => [getId(item), item]));
    const items = shown.flatMap((item) => (gone.has(getId(item)) ? [] : [current.get(getId(item)) ?? item]));
    const newCount = latest.filter((item) => !known.has(getId(item))).length;
    return { items, newCount, hasGap: newCount > 0 && newCount === latest.length && newest.next !== null };
  }, [pages, newest, mergePages, getId]);

  const show = () => {
    if (newest === undefined) return;
    queries.setQueryData<InfiniteData<Page, string | null>>(pagesKey, (data) =>
      // If items may be missing between the newest page and the shown ones, the list restarts.
      data === undefined || hasGap || data.pages.length === 1
        ? { pages: [newest], pageParams: [null] }
        : { pages: [newest, ...data.pages], pageParams: [null, ...data.pageParams] },
    );
  };
  const isFirst = items !== undefined && items.length > 0 && pages?.length === 1 && mergePages(pages).length === 0;
  useEffect(() => {
    if (isFirst) show();
  });
  return {
    items,
    newest: newest ?? pages?.[0],
    newItems: { count: newCount, orMore: hasGap, show },
    older: { exist: list.hasNextPage, loading: list.isFetchingNextPage, load: () => void list.fetchNextPage() },
    error: list.error ?? (pages === undefined ? null : head.error),
    retry: () => {
      if (list.isFetchNextPageError) void list.fetchNextPage();
      else if (pages === undefined) void list.refetch();
      else void head.refetch();
    },
  };
}
