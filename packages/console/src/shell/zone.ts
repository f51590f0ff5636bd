/* The zone of all times in the console: that of the viewer, or UTC, as in sentences of the server. */
import { useSyncExternalStore } from 'react';
import { ofBrowser } from '../kept-values.ts';

const STORAGE_KEY = 'tidings.times';

/** Zone of this browser, an IANA name. */
export const VIEWER_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

let zone = ofBrowser.read(STORAGE_KEY) === 'UTC' ? 'UTC' : VIEWER_ZONE;
const listeners = new Set<() => void>();

/** Returns the zone of all displayed times; rerenders the component when it changes. */
export function useZone(): string {
  return useSyncExternalStore(subscribe, () => zone);
}

/** Sets the zone of all displayed times and stores the choice in this browser. */
export function setZone(next: string): void {
  zone = next;
  ofBrowser.write(STORAGE_KEY, next === 'UTC' ? 'UTC' : 'own');
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
