/** The zone that all times of the console are told in: the viewer's own, or UTC, as the sentences of the server are. */
import { useSyncExternalStore } from 'react';

const STORAGE_KEY = 'tidings.times';

/** Where this browser is, as an IANA name. */
export const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

let zone = localStorage.getItem(STORAGE_KEY) === 'UTC' ? 'UTC' : OWN_ZONE;
const listeners = new Set<() => void>();

export function useZone(): string {
  return useSyncExternalStore(subscribe, () => zone);
}

export function setZone(next: string): void {
  zone = next;
  localStorage.setItem(STORAGE_KEY, next === 'UTC' ? 'UTC' : 'own');
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
