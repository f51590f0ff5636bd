/* Page changes: title, scroll position and focus, which a browser does not handle if only the part after `#` changes. */
import { useLayoutEffect, useRef } from 'react';
import type { Route } from '../route.ts';
import { enterHistoryEntry } from './scroll-memory.ts';

/** Names the window after the page; a new page begins at its top, with the focus on its heading. */
export function usePageChange(route: Route): void {
  const before = useRef<string>(undefined);
  useLayoutEffect(() => {
    document.title = `${formatPageName(route)} · Tidings`;
    const page = pageKey(route);
    const left = enterHistoryEntry();
    const first = before.current === undefined;
    const other = before.current !== page;
    before.current = page;
    if (first) return;
    // Back and Forward go to where one was; on the same page (another filter, another event) nothing jumps.
    if (left !== undefined) scrollTo(0, left);
    else if (other) scrollTo(0, 0);
    if (other) focusHeading();
  }, [route]);
}

/** Same key, same page: what differs is only what is shown of it. */
export function pageKey(route: Route): string {
  if (route.page === 'user') return `user ${route.userId}`;
  return route.page === 'catalog' ? `catalog ${route.part}` : route.page;
}

export function focusHeading(): void {
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
}

function formatPageName(route: Route): string {
  switch (route.page) {
    case 'user':
      return route.userId;
    case 'catalog':
      return route.part === 'versions' ? 'Versions of the catalog' : 'Catalog';
    case 'activity':
      return 'Activity';
    case 'deliveries':
      return 'Deliveries';
    case 'rejected':
      return 'Rejected events';
    case 'unknown':
      return 'No such page';
  }
}
