/* Page changes: title, scroll position and focus, which a browser does not handle for a page that a script changes. */
import { useLayoutEffect, useRef } from 'react';
import type { AnalyticsPart, Route } from '../route.ts';
import { USER_TAB_NAMES } from '../user/tab-names.ts';
import { enterHistoryEntry } from './scroll-memory.ts';

/** Names of the parts of the pages of channels. */
const CHANNELS_PARTS: Record<Extract<Route, { page: 'channels' }>['part'], string> = {
  accounts: 'Channels',
  sending: 'Sending',
  routes: 'Routes',
  costs: 'Costs',
  suppressions: 'Suppressions',
};

/** Names of the parts of the page of analytics. */
const ANALYTICS_NAMES: Record<AnalyticsPart, string> = {
  messages: 'Analytics',
  experiments: 'Experiments',
  anomalies: 'Unusual volumes',
};

/** Sets the window title. On a page change, also scrolls to the top and focuses the heading. */
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
    // Back and Forward restore the scroll position. A change within a page (filter, event) does not scroll.
    if (left !== undefined) scrollTo(0, left);
    else if (other) scrollTo(0, 0);
    if (other) focusHeading();
  }, [route]);
}

/** Returns the key of a page. Routes with the same key differ only in what the page shows. */
export function pageKey(route: Route): string {
  if (route.page === 'user') return `user ${route.userId} ${route.tab}`;
  if (route.page === 'segment' || route.page === 'type') return `${route.page} ${route.name}`;
  if (route.page === 'portal') return `portal ${route.endpoint ?? ''}`;
  if (route.page === 'analytics') return `analytics ${route.part}`;
  if ('id' in route && route.page !== 'correlation') return `${route.page} ${route.id}`;
  if (route.page === 'dead-letters') return `dead-letters ${route.group ?? ''}`;
  if (route.page === 'channels') return `channels ${route.part}`;
  return route.page === 'catalog' ? `catalog ${route.part}` : route.page;
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

function formatPageName(route: Route): string {
  switch (route.page) {
    case 'login':
      return 'Log in';
    case 'user':
      return route.tab === 'why' ? route.userId : `${route.userId}: ${USER_TAB_NAMES[route.tab].toLowerCase()}`;
    case 'notifications':
      return 'Notifications';
    case 'notification':
      return 'Notification';
    case 'send':
      return 'Send';
    case 'batches':
      return 'Batches';
    case 'new-batch':
      return 'New batch';
    case 'lists':
      return 'Lists and segments';
    case 'list':
      return 'List';
    case 'segment':
      return `Segment ${route.name}`;
    case 'templates':
      return 'Templates';
    case 'template':
      return 'Template';
    case 'preview':
      return 'Preview';
    case 'batch':
      return 'Batch';
    case 'releases':
      return 'Releases';
    case 'audit':
      return 'Audit log';
    case 'webhooks':
      return 'Webhooks';
    case 'portal':
      return 'Webhooks';
    case 'endpoint':
      return 'Endpoint';
    case 'keys':
      return 'API keys';
    case 'members':
      return 'Members and roles';
    case 'catalog':
      return route.part === 'versions' ? 'Catalog versions' : 'Active catalog';
    case 'overview':
      return 'Overview';
    case 'analytics':
      return ANALYTICS_NAMES[route.part];
    case 'types':
      return 'Notification types';
    case 'type':
      return route.name;
    case 'tenants':
      return 'Tenants';
    case 'live':
      return 'Live';
    case 'deliveries':
      return 'Deliveries';
    case 'dead-letters':
      return 'Failed deliveries';
    case 'channels':
      return CHANNELS_PARTS[route.part];
    case 'connections':
      return 'Connections';
    case 'rejected':
      return 'Rejected events';
    case 'correlation':
      return 'Correlation';
    case 'waiting':
      return 'Waiting';
    case 'jobs':
      return 'Jobs';
    case 'unknown':
      return 'Page not found';
  }
}
