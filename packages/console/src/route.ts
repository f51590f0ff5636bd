/* Routes of the console, from the part of the URL after `#`: links can be shared, and need no server. */
import { useMemo, useSyncExternalStore } from 'react';
import type { DeliveryStatus } from './api.ts';

export type Route =
  | { page: 'activity' }
  /** `eventId`: event to scroll to and mark, or null. */
  | { page: 'user'; userId: string; eventId: string | null }
  | { page: 'deliveries'; status: string | null }
  /** `group`: id of a group of dead letters, or null for all groups. */
  | { page: 'dead-letters'; group: string | null }
  | { page: 'channels'; part: ChannelsPart }
  | { page: 'rejected' }
  | { page: 'jobs' }
  | { page: 'catalog'; part: 'contents' | 'versions' }
  /** `id`: null before one is entered. */
  | { page: 'correlation'; id: string | null }
  /** `link`: secret of a one-time link, or null. `problem`: code of why a login failed, or null. */
  | { page: 'login'; link: string | null; problem: string | null }
  | { page: 'unknown' };

/** Parts of the pages of channels. */
export type ChannelsPart = 'accounts' | 'sending' | 'routes' | 'costs';

export const linkToActivity = (): string => '#/';
/** Returns the link to a part of the pages of channels; absent: to the first. */
export function linkToChannels(part: ChannelsPart = 'accounts'): string {
  return part === 'accounts' ? '#/channels' : `#/channels/${part}`;
}
export const linkToRejected = (): string => '#/rejected';
export const linkToJobs = (): string => '#/jobs';
export const linkToCatalog = (): string => '#/catalog';
export const linkToVersions = (): string => '#/catalog/versions';

/** Returns the link to a user, or to one event on the page of the user. */
export function linkToUser(userId: string, eventId?: string): string {
  const at = eventId === undefined ? '' : `?event=${encodeURIComponent(eventId)}`;
  return `#/users/${encodeURIComponent(userId)}${at}`;
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
  const part = /^\/channels\/(sending|routes|costs)$/.exec(path)?.[1];
  if (part !== undefined) return { page: 'channels', part: part as ChannelsPart };
  if (path === '/dead-letters') return { page: 'dead-letters', group: parameters.get('group') };
  if (path === '/rejected') return { page: 'rejected' };
  if (path === '/jobs') return { page: 'jobs' };
  if (path === '/catalog') return { page: 'catalog', part: 'contents' };
  if (path === '/catalog/versions') return { page: 'catalog', part: 'versions' };
  if (path === '/correlation') return { page: 'correlation', id: parameters.get('id') };
  if (path === '/deliveries') return { page: 'deliveries', status: parameters.get('status') };
  const link = /^\/login(?:\/([\w-]+))?$/.exec(path);
  if (link) return { page: 'login', link: link[1] ?? null, problem: parameters.get('problem') };
  const userId = /^\/users\/([^/]+)$/.exec(path)?.[1];
  if (userId === undefined) return { page: 'unknown' };
  try {
    return { page: 'user', userId: decodeURIComponent(userId), eventId: parameters.get('event') };
  } catch {
    return { page: 'unknown' };
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
