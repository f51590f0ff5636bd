/* Page changes: title, scroll position and focus, which a browser does not handle for a page that a script changes. */
import { useLayoutEffect, useRef } from 'react';
import type { AnalyticsPart, Route, UserTab } from '../route.ts';
import { t } from '../text/text.ts';
import { enterHistoryEntry } from './scroll-memory.ts';

/** Names of the parts of the pages of channels. */
const CHANNELS_PARTS: Record<Extract<Route, { page: 'channels' }>['part'], string> = {
  accounts: t('Channels'),
  sending: t('Sending'),
  routes: t('Routes'),
  costs: t('Costs'),
  suppressions: t('Suppressions'),
};

/** Names of the parts of the page of analytics. */
const ANALYTICS_NAMES: Record<AnalyticsPart, string> = {
  messages: t('Analytics'),
  experiments: t('Experiments'),
  anomalies: t('Unusual volumes'),
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

function formatPageName(route: Route): string {
  switch (route.page) {
    case 'login':
      return t('Log in');
    case 'user':
      return route.tab === 'why' ? route.userId : formatTabName(route.userId, route.tab);
    case 'notifications':
      return t('Notifications');
    case 'notification':
      return t('Notification');
    case 'send':
      return t('Send');
    case 'batches':
      return t('Batches');
    case 'new-batch':
      return t('New batch');
    case 'lists':
      return t('Lists and segments');
    case 'list':
      return t('List');
    case 'segment':
      return t('Segment {name}', { name: route.name });
    case 'templates':
      return t('Templates');
    case 'template':
      return t('Template');
    case 'type-templates':
      return t('Templates of {name}', { name: route.name });
    case 'preview':
      return t('Preview');
    case 'batch':
      return t('Batch');
    case 'releases':
      return t('Releases');
    case 'rules':
      return t('Rules');
    case 'rule':
      return t('Rule {name}', { name: route.name });
    case 'audit':
      return t('Audit log');
    case 'webhooks':
      return t('Webhooks');
    case 'portal':
      return t('Webhooks');
    case 'endpoint':
      return t('Endpoint');
    case 'keys':
      return t('API keys');
    case 'members':
      return t('Members and roles');
    case 'catalog':
      return route.part === 'versions' ? t('Catalog versions') : t('Active catalog');
    case 'overview':
      return t('Overview');
    case 'analytics':
      return ANALYTICS_NAMES[route.part];
    case 'types':
      return t('Notification types');
    case 'type':
      return route.name;
    case 'preferences':
      return t('Preferences and consent');
    case 'tenants':
      return t('Tenants');
    case 'live':
      return t('Live');
    case 'deliveries':
      return t('Deliveries');
    case 'dead-letters':
      return t('Failed deliveries');
    case 'channels':
      return CHANNELS_PARTS[route.part];
    case 'connections':
      return t('Connections');
    case 'rejected':
      return t('Rejected events');
    case 'correlation':
      return t('Correlation');
    case 'waiting':
      return t('Waiting');
    case 'jobs':
      return t('Jobs');
    case 'unknown':
      return t('Page not found');
  }
}

function formatTabName(user: string, tab: UserTab): string {
  return t(
    '{user}: {tab, select, timeline {timeline} messages {messages} waiting {waiting} next {next seven days} preferences {preferences and consent} devices {devices and addresses} other {raw}}',
    { user, tab },
  );
}
