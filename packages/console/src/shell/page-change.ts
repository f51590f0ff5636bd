/* Page changes: title, scroll position and focus, which a browser does not handle for a page that a script changes. */
import { useEffect, useLayoutEffect, useRef } from 'react';
import type { Route } from '../route.ts';
import { enterHistoryEntry } from './scroll-memory.ts';

/** Sets the window title, by names that are loaded after the page. On a page change, also scrolls to the top and focuses the heading. */
export function usePageChange(route: Route): void {
  const before = useRef<string>(undefined);
  useEffect(() => {
    let isShown = true;
    void import('./page-name.ts').then(({ formatPageName }) => {
      if (isShown) document.title = `${formatPageName(route)} · Tidings`;
    });
    return () => {
      isShown = false;
    };
  }, [route]);
  useLayoutEffect(() => {
    const page = pageKey(route);
    const left = enterHistoryEntry();
    const first = before.current === undefined;
    const other = before.current !== page;
    before.current = page;
    if (first) return;
    // Back and Forward restore the scroll position. A change within a page (filter, event) does not scroll.
    if (left !== undefined) scrollTo(0, left);
    else if (other) scrollTo(0, 0);
    if (other) focusHeading();
  }, [route]);
}

/** Returns the key of a page. Routes with the same key differ only in what the page shows. */
export function pageKey(route: Route): string {
  if (route.page === 'user') return `user/${route.userId}/${route.tab}`;
  if ('name' in route) return `${route.page}/${route.name}`;
  if (route.page === 'portal') return `portal/${route.endpoint ?? ''}`;
  if (route.page === 'analytics') return `analytics/${route.part}`;
  if ('id' in route && route.page !== 'correlation') return `${route.page}/${route.id}`;
  if (route.page === 'dead-letters') return `dead-letters/${route.group ?? ''}`;
  if (route.page === 'channels') return `channels/${route.part}`;
  return route.page === 'catalog' ? `catalog/${route.part}` : route.page;
}

/** Place of the focus when a heading was to be focused that is not there yet: a page is loaded when it is shown first. */
let awaitedFrom: Element | null = null;

/** Focuses the `h1` of the page without scrolling, as soon as there is one. */
export function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('h1');
  awaitedFrom = heading === null ? document.activeElement : null;
  heading?.focus({ preventScroll: true });
}

/** Focuses a heading that has just been added if that is awaited, and the focus was not moved meanwhile. */
export function focusIfAwaited(heading: HTMLElement | null): void {
  if (heading === null || awaitedFrom === null) return;
  const isUnmoved = document.activeElement === awaitedFrom || document.activeElement === document.body;
  awaitedFrom = null;
  if (isUnmoved) heading.focus({ preventScroll: true });
}
