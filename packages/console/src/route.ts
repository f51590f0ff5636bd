/* Routes of the console, from the path of the URL: the server answers each path below /console with the same page. */
import { useMemo, useSyncExternalStore } from 'react';
import type { DeliveryStatus, NotificationState, RecipientState } from './api/types.ts';
import { readFilter, toQuery } from './filters/filter.ts';
import { isPortal } from './portal/is-portal.ts';
import { getTenant, setTenant } from './tenant.ts';

export type Route =
  /** `span`: one that was chosen in a chart, in the place of the range; or null. */
  | { page: 'overview'; range: Range; span: TimeSpan | null }
  | { page: 'analytics'; part: AnalyticsPart; filter: MetricFilter; reason: string | null }
  | { page: 'types' }
  | { page: 'type'; name: string }
  | { page: 'tenants' }
  | { page: 'preferences' }
  /** Events as they arrive. */
  | { page: 'live' }
  | ({ page: 'user' } & UserRoute)
  | { page: 'notifications'; state: string | null }
  | { page: 'notification'; id: string }
  /** `type`: notification type to begin with, `to`: id of the recipient to begin with; or null. */
  | { page: 'send'; type: string | null; to: string | null }
  | { page: 'batches' }
  /** `list`, `segment`: whose users it is for, or null. */
  | { page: 'new-batch'; list: string | null; segment: string | null }
  | { page: 'lists' }
  | { page: 'list'; id: string }
  | { page: 'segment'; name: string }
  | { page: 'templates'; type: string | null }
  | { page: 'template'; id: string }
  /** The templates of a notification type in the files of the catalog. */
  | { page: 'type-templates'; name: string; tab: TemplateTab }
  | ({ page: 'preview' } & PreviewChoice)
  /** `state`: of the results that are shown, or null for all. */
  | { page: 'batch'; id: string; state: string | null }
  | { page: 'deliveries'; filter: DeliveryFilter }
  /** `group`: id of a group of dead letters, or null for all groups. */
  | { page: 'dead-letters'; group: string | null }
  | { page: 'channels'; part: Exclude<ChannelsPart, 'connections'> }
  | ({ page: 'connections' } & TaskFilter)
  /** `source`: of which the events are, or null for all. */
  | { page: 'rejected'; source: string | null }
  /** `rule`, `key`: whose waits are listed; both null: the rules. */
  | { page: 'waiting'; rule: string | null; key: string | null }
  | { page: 'jobs' }
  | { page: 'releases' }
  | { page: 'rules' }
  /** `tab`: null for the first one that the viewer may see. */
  | { page: 'rule'; name: string; tab: RuleTab | null }
  | { page: 'audit'; filter: AuditFilter }
  | { page: 'keys' }
  | { page: 'members' }
  | { page: 'webhooks' }
  /** The webhook portal. `endpoint`: id of the one that is shown, or null for the list. `link`: secret of its one-time link, or null. */
  | { page: 'portal'; endpoint: string | null; link: string | null }
  | { page: 'endpoint'; id: string }
  /** `at`: rule, type or event of it to scroll to and mark, such as `rule:WELCOME`, or null. */
  | { page: 'catalog'; part: 'contents' | 'versions'; at: string | null }
  /** `id`: null before one is entered. */
  | { page: 'correlation'; id: string | null }
  /** `link`: secret of a one-time link, or null. `problem`: code of why a login failed, or null. */
  | { page: 'login'; link: string | null; problem: string | null }
  | { page: 'unknown' };

/** The part of the page of a user that is shown. */
export interface UserRoute {
  readonly userId: string;
  readonly tab: UserTab;
  /** Event to scroll to and mark, or null. */
  readonly eventId: string | null;
  /** Type whose explanation is open, or null. */
  readonly why: string | null;
}

/** Tabs of the page of a user; the first has the address of the user itself. */
export const USER_TABS = ['why', 'timeline', 'messages', 'waiting', 'next', 'preferences', 'devices', 'raw'] as const;
export type UserTab = (typeof USER_TABS)[number];

/** Tabs of the page of a rule. */
export const RULE_TABS = ['check', 'cases', 'try', 'backtest', 'waits', 'funnel', 'graph'] as const;
export type RuleTab = (typeof RULE_TABS)[number];

/** Tabs of the page of the templates of a notification type. */
export const TEMPLATE_TABS = ['preview', 'variables', 'check', 'changes'] as const;
export type TemplateTab = (typeof TEMPLATE_TABS)[number];

/** Parts of the pages of channels. */
export type ChannelsPart = 'accounts' | 'sending' | 'routes' | 'costs' | 'suppressions' | 'connections';

/** Which changes of the audit log are shown. Null: not narrowed. */
export interface AuditFilter {
  readonly actor: string | null;
  readonly action: string | null;
  readonly subject: string | null;
}

/** Which tasks of connectors are shown. Null: all. */
export interface TaskFilter {
  readonly connector: string | null;
  readonly state: string | null;
  readonly code: string | null;
}

/** Parts of the page of analytics; the first has the address of the page itself. */
export const ANALYTICS_PARTS = ['messages', 'experiments', 'anomalies'] as const;
export type AnalyticsPart = (typeof ANALYTICS_PARTS)[number];

/** Fields of the filter of metrics, by their names in the address. */
const METRIC_FIELDS = ['type', 'channel', 'locale', 'variant', 'version', 'since', 'until'] as const;
/** Which messages are counted. Null: all. `since`, `until`: as in a `Filter`. */
export type MetricFilter = { readonly [field in (typeof METRIC_FIELDS)[number]]: string | null };

/** Two times (ISO 8601). */
export interface TimeSpan {
  readonly since: string;
  readonly until: string;
}

/** Fields of the filter of deliveries, by their names in the address. */
const DELIVERY_FIELDS = [
  'status',
  'type',
  'channel',
  'provider',
  'reason',
  'receipt',
  'held',
  'since',
  'until',
] as const;
/** Which deliveries are shown. Null: all. `since`, `until`: when they were created, as in a `Filter`. */
export type DeliveryFilter = { readonly [field in (typeof DELIVERY_FIELDS)[number]]: string | null };

/** Choices of a preview. Null: not chosen. */
export interface PreviewChoice {
  readonly type: string | null;
  readonly channel: string | null;
  readonly locale: string | null;
  readonly userId: string | null;
  /** Id of a template of the API in the place of the active one. */
  readonly template: string | null;
}

/** Spans of time that the charts of the overview show, in hours. */
export const RANGES = { '1h': 1, '6h': 6, '24h': 24, '7d': 168, '30d': 720, '90d': 2160 } as const;
export type Range = keyof typeof RANGES;
const USUAL_RANGE: Range = '24h';

/** Returns the link to the overview; absent: with the usual span. */
export function linkToOverview(range: Range = USUAL_RANGE): string {
  return range === USUAL_RANGE ? '/console/' : `/console/?range=${range}`;
}

/** Returns the link to the overview of a span that is no range. */
export const linkToOverviewOf = ({ since, until }: TimeSpan): string => `/console/${toQuery({ since, until })}`;

/** Returns the link to a part of the analytics, narrowed by a filter. */
export function linkToAnalytics(part: AnalyticsPart = 'messages', filter: Partial<MetricFilter> = {}): string {
  return `/console/analytics${part === 'messages' ? '' : `/${part}`}${toQuery(filter)}`;
}

export const linkToTypes = (): string => '/console/types';
export const linkToType = (name: string): string => `/console/types/${encodeURIComponent(name)}`;
export const linkToPreferences = (): string => '/console/preferences';
export const linkToTenants = (): string => '/console/tenants';

function toTimeSpan(parameters: URLSearchParams): TimeSpan | null {
  const { since, until } = readFilter(parameters, ['since', 'until']);
  const isSpan = since !== null && until !== null && Date.parse(since) < Date.parse(until);
  return isSpan ? { since, until } : null;
}

function toRange(text: string | null): Range {
  return text !== null && Object.hasOwn(RANGES, text) ? (text as Range) : USUAL_RANGE;
}

export const linkToLive = (): string => '/console/live';
/** Returns the link to a part of the pages of channels; absent: to the first. */
export function linkToChannels(part: ChannelsPart = 'accounts'): string {
  return part === 'accounts' ? '/console/channels' : `/console/channels/${part}`;
}
/** Returns the link to the rejected events of a source; absent: to all. */
export function linkToRejected(source?: string): string {
  return source === undefined ? '/console/rejected' : `/console/rejected?source=${encodeURIComponent(source)}`;
}

/** Returns the link to tasks of connectors; what is absent or null does not narrow them. */
export function linkToTasks({ connector, state, code }: Partial<TaskFilter>): string {
  const given = Object.entries({ connector, state, code }).filter(
    (entry): entry is [string, string] => entry[1] != null,
  );
  return given.length === 0
    ? '/console/channels/connections'
    : `/console/channels/connections?${new URLSearchParams(given)}`;
}

export const linkToBatches = (): string => '/console/batches';
/** Returns the link to the page that sends; absent: to no recipient yet. */
export function linkToSend(userId?: string): string {
  return userId === undefined ? '/console/send' : `/console/send?to=${encodeURIComponent(userId)}`;
}

export const linkToNewBatch = (): string => '/console/new-batch';
export const linkToLists = (): string => '/console/lists';
export const linkToList = (id: string): string => `/console/lists/${encodeURIComponent(id)}`;
export const linkToSegment = (name: string): string => `/console/segments/${encodeURIComponent(name)}`;
export const linkToTemplate = (id: string): string => `/console/templates/${encodeURIComponent(id)}`;
/** Returns the link to the templates of a notification type, in the files of the catalog. */
export const linkToTypeTemplates = (type: string, tab: TemplateTab = 'preview'): string =>
  `${linkToTemplate(type)}/${tab}`;
/** Returns the link to the waits of a rule, or with a key; without both: to the rules that wait. */
export const linkToWaiting = (filter: { readonly rule?: string; readonly key?: string } = {}): string =>
  `/console/waiting${toQuery({ rule: null, key: null, ...filter })}`;
export const linkToJobs = (): string => '/console/jobs';
/** Returns the link to the active catalog, or to a part of it. */
export function linkToCatalog(kind?: 'rule' | 'type' | 'event', name = ''): string {
  return kind === undefined ? '/console/catalog' : `/console/catalog?at=${encodeURIComponent(`${kind}:${name}`)}`;
}

export const linkToRules = (): string => '/console/rules';
/** Returns the link to a rule; absent: with its first tab. */
export const linkToRule = (name: string, tab?: RuleTab): string =>
  `/console/rules/${encodeURIComponent(name)}${tab === undefined ? '' : `/${tab}`}`;
export const linkToVersions = (): string => '/console/catalog/versions';
export const linkToReleases = (): string => '/console/releases';
export const linkToAudit = (): string => '/console/audit';
export const linkToKeys = (): string => '/console/keys';
export const linkToMembers = (): string => '/console/members';
/** Returns the link to the endpoints of webhooks: in the portal, to its own page. */
export const linkToWebhooks = (): string => (isPortal ? '/console/portal' : '/console/webhooks');
export const linkToWebhook = (id: string): string => `${linkToWebhooks()}/${encodeURIComponent(id)}`;

/** Returns the link to a user, or to one event in the timeline of the user. */
export function linkToUser(userId: string, eventId?: string): string {
  if (eventId === undefined) return linkToUserTab(userId, 'why');
  return `${linkToUserTab(userId, 'timeline')}?event=${encodeURIComponent(eventId)}`;
}

/** Returns the link to a tab of the page of a user. */
export function linkToUserTab(userId: string, tab: UserTab): string {
  return `/console/users/${encodeURIComponent(userId)}${tab === 'why' ? '' : `/${tab}`}`;
}

/** Returns the link to the explanation why a user got a notification of a type, or did not. */
export function linkToWhy(userId: string, type: string): string {
  return `${linkToUser(userId)}?why=${encodeURIComponent(type)}`;
}

/** Returns the link to the notifications of a state; null: all. */
export function linkToNotifications(state: NotificationState | null): string {
  return state === null ? '/console/notifications' : `/console/notifications?state=${state}`;
}

export const linkToNotification = (id: string): string => `/console/notifications/${encodeURIComponent(id)}`;

/** Returns the link to a new batch for the users of a list or a segment. */
export function linkToNewBatchFor(audience: 'list' | 'segment', id: string): string {
  return `/console/new-batch?${audience}=${encodeURIComponent(id)}`;
}

/** Returns the link to the templates of a type; null: all. */
export function linkToTemplates(type: string | null): string {
  return type === null ? '/console/templates' : `/console/templates?type=${encodeURIComponent(type)}`;
}

/** Returns the link to a preview; what is absent is not chosen. */
export function linkToPreview({ type, channel, locale, userId, template }: Partial<PreviewChoice>): string {
  const given = Object.entries({ type, channel, locale, user: userId, template }).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  return given.length === 0 ? '/console/preview' : `/console/preview?${new URLSearchParams(given)}`;
}

/** Returns the link to a batch with the results of a state; absent: with all. */
export function linkToBatch(id: string, state?: RecipientState): string {
  return `/console/batches/${encodeURIComponent(id)}${state === undefined ? '' : `?state=${state}`}`;
}

/** Returns the link to what a correlation id led to; null: to the search for one. */
export function linkToCorrelation(id: string | null): string {
  return id === null ? '/console/correlation' : `/console/correlation?id=${encodeURIComponent(id)}`;
}

/** Returns the link to the deliveries with a status, or null, narrowed by other fields of their filter. */
export function linkToDeliveries(status: DeliveryStatus | null, others: Partial<DeliveryFilter> = {}): string {
  return `/console/deliveries${toQuery({ status, ...others })}`;
}

/** Returns the link to a group of dead letters; null: to all groups. */
export function linkToDeadLetters(group: string | null): string {
  return group === null ? '/console/dead-letters' : `/console/dead-letters?group=${encodeURIComponent(group)}`;
}

/** Goes to a link of this console, with an entry in the history. */
export function openLink(link: string): void {
  const next = inTenant(link);
  if (next === location.pathname + location.search && !location.hash.startsWith('#/')) return;
  history.pushState(null, '', next);
  for (const listener of listeners) listener();
}

/** Goes to a link of this console in the place of the current entry in the history. */
export function replaceLink(link: string): void {
  history.replaceState(history.state, '', inTenant(link));
  for (const listener of listeners) listener();
}

/**
 * Returns a link of this console with the tenant that was chosen in this tab, so that it leads to the same in another tab or browser.
 * A link without one leads to the tenant of the tab that opens it.
 */
export function inTenant(link: string): string {
  const tenant = getTenant();
  const { pathname, searchParams, hash } = new URL(link, location.origin);
  if (tenant === null && !searchParams.has('tenant')) return link;
  searchParams.delete('tenant');
  const query = new URLSearchParams(tenant === null ? [...searchParams] : [['tenant', tenant], ...searchParams]);
  return `${pathname}${query.size === 0 ? '' : `?${query}`}${hash}`;
}

/** Takes the tenant that the address names, which other links of this tab then name as well. Returns whether it is another one. */
function takeTenant(): boolean {
  const asked = new URLSearchParams(location.search).get('tenant') ?? '';
  // A text that no header can carry is no tenant.
  if (isPortal || !/^[\x21-\x7e]{1,200}$/.test(asked) || asked === getTenant()) return false;
  setTenant(asked);
  return true;
}

/** Returns a parameter of the current address, and what sets it, with an entry in the history; null: it is absent. */
export function useParameter(name: string): readonly [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(subscribe, () => new URLSearchParams(location.search).get(name));
  return [value, (next) => openParameter(name, next)];
}

/** Sets a parameter of the current address, with an entry in the history; null: removes it. */
export function openParameter(name: string, value: string | null): void {
  openLink(withParameter(name, value));
}

/** Sets a parameter of the current address, so that it leads to what is shown now; null: removes it. */
export function setParameter(name: string, value: string | null): void {
  replaceLink(withParameter(name, value));
}

function withParameter(name: string, value: string | null): string {
  const parameters = new URLSearchParams(location.search);
  if (value === null) parameters.delete(name);
  else parameters.set(name, value);
  const query = parameters.toString();
  return `${location.pathname}${query === '' ? '' : `?${query}`}`;
}

/** Returns the current route; rerenders the component when it changes. */
export function useRoute(): Route {
  const address = useSyncExternalStore(subscribe, () => location.pathname + location.search + location.hash);
  return useMemo(() => parseAddress(new URL(address, location.origin)), [address]);
}

/**
 * Lets a click on a link of this console change the page without loading it again, and moves old links, whose pages stood after
 * the `#`, to their paths. A secret of a login stays after the `#`, which browsers do not send.
 * @param onOtherTenant called after Back or Forward led to an address of another tenant
 */
export function startRouting(onOtherTenant: () => void): void {
  moveOldLink();
  takeTenant();
  if (getTenant() !== null) replaceLink(location.pathname + location.search + location.hash);
  addEventListener('popstate', () => {
    moveOldLink();
    if (takeTenant()) onOtherTenant();
    for (const listener of listeners) listener();
  });
  document.addEventListener('click', (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const anchor = findAnchor(event);
    if (event.defaultPrevented || !isPlain || !anchor || anchor.hasAttribute('target')) return;
    event.preventDefault();
    openLink(anchor.getAttribute('href') ?? '');
  });
}

/** Returns the link of this console that an event is about. */
export function findAnchor({ target }: Event): Element | null {
  return target instanceof Element ? target.closest('a[href^="/console"]') : null;
}

function moveOldLink(): void {
  const { pathname, hash } = location;
  if (hash.startsWith('#/')) {
    if (!/^#\/login(?=[/?]|$)/.test(hash)) history.replaceState(null, '', `/console${hash.slice(1)}`);
  } else if (pathname === '/' || pathname === '/console') history.replaceState(null, '', `/console/${location.search}`);
}

/** Parses an address of this console. An unknown or malformed path gives the page `unknown`. */
export function parseAddress({ pathname, search: query, hash }: Pick<URL, 'pathname' | 'search' | 'hash'>): Route {
  const isLogin = hash.startsWith('#/login');
  const [path = '', search = ''] = isLogin
    ? splitAt(hash.slice(1), '?')
    : [pathname.replace(/^\/console/, ''), query.slice(1)];
  const parameters = new URLSearchParams(search);
  if (path === '' || path === '/') {
    return { page: 'overview', range: toRange(parameters.get('range')), span: toTimeSpan(parameters) };
  }
  if (path === '/live') return { page: 'live' };
  if (path === '/channels') return { page: 'channels', part: 'accounts' };
  const part = /^\/channels\/(sending|routes|costs|suppressions)$/.exec(path)?.[1];
  if (part !== undefined) return { page: 'channels', part: part as Exclude<ChannelsPart, 'connections'> };
  if (path === '/dead-letters') return { page: 'dead-letters', group: parameters.get('group') };
  if (path === '/rejected') return { page: 'rejected', source: parameters.get('source') };
  if (path === '/channels/connections') {
    const [connector, state, code] = ['connector', 'state', 'code'].map((name) => parameters.get(name)) as [
      string | null,
      string | null,
      string | null,
    ];
    return { page: 'connections', connector, state, code };
  }
  const analytics = /^\/analytics(?:\/(experiments|anomalies))?$/.exec(path);
  if (analytics) {
    const part = (analytics[1] ?? 'messages') as AnalyticsPart;
    return { page: 'analytics', part, filter: readFilter(parameters, METRIC_FIELDS), reason: parameters.get('reason') };
  }
  if (path === '/types') return { page: 'types' };
  if (path === '/tenants') return { page: 'tenants' };
  if (path === '/preferences') return { page: 'preferences' };
  if (path === '/waiting') return { page: 'waiting', ...readFilter(parameters, ['rule', 'key']) };
  if (path === '/jobs') return { page: 'jobs' };
  if (path === '/releases') return { page: 'releases' };
  if (path === '/rules') return { page: 'rules' };
  if (path === '/keys') return { page: 'keys' };
  if (path === '/members') return { page: 'members' };
  if (path === '/webhooks') return { page: 'webhooks' };
  if (path === '/audit') {
    const get = (name: keyof AuditFilter) => parameters.get(name);
    return { page: 'audit', filter: { actor: get('actor'), action: get('action'), subject: get('subject') } };
  }
  if (path === '/catalog') return { page: 'catalog', part: 'contents', at: parameters.get('at') };
  if (path === '/catalog/versions') return { page: 'catalog', part: 'versions', at: null };
  if (path === '/correlation') return { page: 'correlation', id: parameters.get('id') };
  if (path === '/deliveries') return { page: 'deliveries', filter: readFilter(parameters, DELIVERY_FIELDS) };
  if (path === '/portal') return { page: 'portal', endpoint: null, link: /^#([\w-]+)$/.exec(hash)?.[1] ?? null };
  const link = isLogin ? /^\/login(?:\/([\w-]+))?$/.exec(path) : null;
  if (link) return { page: 'login', link: link[1] ?? null, problem: parameters.get('problem') };
  return parseSends(path, parameters) ?? parseItem(path, parameters) ?? { page: 'unknown' };
}

/** Parses the path of a page about sends, lists or templates; undefined: the path is another. */
function parseSends(path: string, parameters: URLSearchParams): Route | undefined {
  const get = (name: string) => parameters.get(name);
  if (path === '/batches') return { page: 'batches' };
  if (path === '/send') return { page: 'send', type: get('type'), to: get('to') };
  if (path === '/new-batch') return { page: 'new-batch', list: get('list'), segment: get('segment') };
  if (path === '/lists') return { page: 'lists' };
  if (path === '/templates') return { page: 'templates', type: get('type') };
  if (path === '/preview') {
    const [type, channel, locale] = [get('type'), get('channel'), get('locale')];
    return { page: 'preview', type, channel, locale, userId: get('user'), template: get('template') };
  }
  return path === '/notifications' ? { page: 'notifications', state: get('state') } : undefined;
}

/** Parses the path of a page about one user, batch, list or other thing; undefined: the path is another. */
function parseItem(path: string, parameters: URLSearchParams): Route | undefined {
  const [, list, encoded = '', part] =
    /^\/(users|batches|notifications|lists|segments|templates|webhooks|rules|types|portal)\/([^/]+)(?:\/([a-z]+))?$/.exec(
      path,
    ) ?? [];
  const id = decode(encoded);
  if (list === undefined || id === undefined) return undefined;
  if (list === 'users') {
    const eventId = parameters.get('event');
    // A link to an event that names no tab is one of before.
    const tab = part === undefined && eventId !== null ? 'timeline' : USER_TABS.find((one) => one === (part ?? 'why'));
    return tab && { page: 'user', userId: id, tab, eventId, why: parameters.get('why') };
  }
  if (list === 'rules') {
    const tab = RULE_TABS.find((one) => one === part);
    return part === undefined || tab ? { page: 'rule', name: id, tab: tab ?? null } : undefined;
  }
  if (list === 'templates' && part !== undefined) {
    const tab = TEMPLATE_TABS.find((one) => one === part);
    return tab && { page: 'type-templates', name: id, tab };
  }
  if (part !== undefined) return undefined;
  if (list === 'batches') return { page: 'batch', id, state: parameters.get('state') };
  if (list === 'lists') return { page: 'list', id };
  if (list === 'webhooks') return { page: 'endpoint', id };
  if (list === 'portal') return { page: 'portal', endpoint: id, link: null };
  if (list === 'types') return { page: 'type', name: id };
  if (list === 'segments') return { page: 'segment', name: id };
  return list === 'templates' ? { page: 'template', id } : { page: 'notification', id };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function splitAt(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
