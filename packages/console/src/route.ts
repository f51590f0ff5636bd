/* Routes of the console, from the part of the URL after `#`: links can be shared, and need no server. */
import { useMemo, useSyncExternalStore } from 'react';
import type { DeliveryStatus, NotificationState, RecipientState } from './api/types.ts';

export type Route =
  | { page: 'activity' }
  /** `eventId`: event to scroll to and mark, or null. */
  | { page: 'user'; userId: string; eventId: string | null }
  | { page: 'preferences'; userId: string }
  | { page: 'notifications'; state: string | null }
  | { page: 'notification'; id: string }
  /** `type`: notification type to begin with, or null. */
  | { page: 'send'; type: string | null }
  | { page: 'batches' }
  /** `list`, `segment`: whose users it is for, or null. */
  | { page: 'new-batch'; list: string | null; segment: string | null }
  | { page: 'lists' }
  | { page: 'list'; id: string }
  | { page: 'segment'; name: string }
  | { page: 'templates'; type: string | null }
  | { page: 'template'; id: string }
  | ({ page: 'preview' } & PreviewChoice)
  /** `state`: of the results that are shown, or null for all. */
  | { page: 'batch'; id: string; state: string | null }
  | { page: 'deliveries'; status: string | null }
  /** `group`: id of a group of dead letters, or null for all groups. */
  | { page: 'dead-letters'; group: string | null }
  | { page: 'channels'; part: Exclude<ChannelsPart, 'connections'> }
  | ({ page: 'connections' } & TaskFilter)
  /** `source`: of which the events are, or null for all. */
  | { page: 'rejected'; source: string | null }
  | { page: 'jobs' }
  | { page: 'catalog'; part: 'contents' | 'versions' }
  /** `id`: null before one is entered. */
  | { page: 'correlation'; id: string | null }
  /** `link`: secret of a one-time link, or null. `problem`: code of why a login failed, or null. */
  | { page: 'login'; link: string | null; problem: string | null }
  | { page: 'unknown' };

/** Parts of the pages of channels. */
export type ChannelsPart = 'accounts' | 'sending' | 'routes' | 'costs' | 'suppressions' | 'connections';

/** Which tasks of connectors are shown. Null: all. */
export interface TaskFilter {
  readonly connector: string | null;
  readonly state: string | null;
  readonly code: string | null;
}

/** Choices of a preview. Null: not chosen. */
export interface PreviewChoice {
  readonly type: string | null;
  readonly channel: string | null;
  readonly locale: string | null;
  readonly userId: string | null;
  /** Id of a template of the API in the place of the active one. */
  readonly template: string | null;
}

export const linkToActivity = (): string => '#/';
/** Returns the link to a part of the pages of channels; absent: to the first. */
export function linkToChannels(part: ChannelsPart = 'accounts'): string {
  return part === 'accounts' ? '#/channels' : `#/channels/${part}`;
}
/** Returns the link to the rejected events of a source; absent: to all. */
export function linkToRejected(source?: string): string {
  return source === undefined ? '#/rejected' : `#/rejected?source=${encodeURIComponent(source)}`;
}

/** Returns the link to tasks of connectors; what is absent or null does not narrow them. */
export function linkToTasks({ connector, state, code }: Partial<TaskFilter>): string {
  const given = Object.entries({ connector, state, code }).filter(
    (entry): entry is [string, string] => entry[1] != null,
  );
  return given.length === 0 ? '#/channels/connections' : `#/channels/connections?${new URLSearchParams(given)}`;
}

export const linkToBatches = (): string => '#/batches';
export const linkToSend = (): string => '#/send';
export const linkToNewBatch = (): string => '#/new-batch';
export const linkToLists = (): string => '#/lists';
export const linkToList = (id: string): string => `#/lists/${encodeURIComponent(id)}`;
export const linkToSegment = (name: string): string => `#/segments/${encodeURIComponent(name)}`;
export const linkToTemplate = (id: string): string => `#/templates/${encodeURIComponent(id)}`;
export const linkToJobs = (): string => '#/jobs';
export const linkToCatalog = (): string => '#/catalog';
export const linkToVersions = (): string => '#/catalog/versions';

/** Returns the link to a user, or to one event on the page of the user. */
export function linkToUser(userId: string, eventId?: string): string {
  const at = eventId === undefined ? '' : `?event=${encodeURIComponent(eventId)}`;
  return `#/users/${encodeURIComponent(userId)}${at}`;
}

/** Returns the link to what goes to a user, and what decides that. */
export function linkToPreferences(userId: string): string {
  return `#/users/${encodeURIComponent(userId)}/preferences`;
}

/** Returns the link to the notifications of a state; null: all. */
export function linkToNotifications(state: NotificationState | null): string {
  return state === null ? '#/notifications' : `#/notifications?state=${state}`;
}

export const linkToNotification = (id: string): string => `#/notifications/${encodeURIComponent(id)}`;

/** Returns the link to a new batch for the users of a list or a segment. */
export function linkToNewBatchFor(audience: 'list' | 'segment', id: string): string {
  return `#/new-batch?${audience}=${encodeURIComponent(id)}`;
}

/** Returns the link to the templates of a type; null: all. */
export function linkToTemplates(type: string | null): string {
  return type === null ? '#/templates' : `#/templates?type=${encodeURIComponent(type)}`;
}

/** Returns the link to a preview; what is absent is not chosen. */
export function linkToPreview({ type, channel, locale, userId, template }: Partial<PreviewChoice>): string {
  const given = Object.entries({ type, channel, locale, user: userId, template }).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  return given.length === 0 ? '#/preview' : `#/preview?${new URLSearchParams(given)}`;
}

/** Returns the link to a batch with the results of a state; absent: with all. */
export function linkToBatch(id: string, state?: RecipientState): string {
  return `#/batches/${encodeURIComponent(id)}${state === undefined ? '' : `?state=${state}`}`;
}

/** Returns the link to what a correlation id led to; null: to the search for one. */
export function linkToCorrelation(id: string | null): string {
  return id === null ? '#/correlation' : `#/correlation?id=${encodeURIComponent(id)}`;
}

/** Returns the link to the deliveries with a status; null: all deliveries. */
export function linkToDeliveries(status: DeliveryStatus | null): string {
  return status === null ? '#/deliveries' : `#/deliveries?status=${status}`;
}

/** Returns the link to a group of dead letters; null: to all groups. */
export function linkToDeadLetters(group: string | null): string {
  return group === null ? '#/dead-letters' : `#/dead-letters?group=${encodeURIComponent(group)}`;
}

/** Goes to a link of this console, with an entry in the history. */
export function openLink(link: string): void {
  location.hash = link;
}

/** Returns the current route; rerenders the component when it changes. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseHash(hash), [hash]);
}

/** Parses the hash of the URL, including `#`. An unknown or malformed path gives the page `unknown`. */
export function parseHash(hash: string): Route {
  const [path = '', search = ''] = splitAt(hash.replace(/^#/, ''), '?');
  const parameters = new URLSearchParams(search);
  if (path === '' || path === '/') return { page: 'activity' };
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
  if (path === '/jobs') return { page: 'jobs' };
  if (path === '/catalog') return { page: 'catalog', part: 'contents' };
  if (path === '/catalog/versions') return { page: 'catalog', part: 'versions' };
  if (path === '/correlation') return { page: 'correlation', id: parameters.get('id') };
  if (path === '/deliveries') return { page: 'deliveries', status: parameters.get('status') };
  const link = /^\/login(?:\/([\w-]+))?$/.exec(path);
  if (link) return { page: 'login', link: link[1] ?? null, problem: parameters.get('problem') };
  return parseSends(path, parameters) ?? parseItem(path, parameters) ?? { page: 'unknown' };
}

/** Parses the path of a page about sends, lists or templates; undefined: the path is another. */
function parseSends(path: string, parameters: URLSearchParams): Route | undefined {
  const get = (name: string) => parameters.get(name);
  if (path === '/batches') return { page: 'batches' };
  if (path === '/send') return { page: 'send', type: get('type') };
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
    /^\/(users|batches|notifications|lists|segments|templates)\/([^/]+)(?:\/(preferences))?$/.exec(path) ?? [];
  const id = decode(encoded);
  if (list === undefined || id === undefined) return undefined;
  if (list === 'users') {
    return part === undefined
      ? { page: 'user', userId: id, eventId: parameters.get('event') }
      : { page: 'preferences', userId: id };
  }
  if (part !== undefined) return undefined;
  if (list === 'batches') return { page: 'batch', id, state: parameters.get('state') };
  if (list === 'lists') return { page: 'list', id };
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

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}
