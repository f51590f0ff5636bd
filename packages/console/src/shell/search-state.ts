/* Whether the search is open: the header, the bar of phones and keys open it. */
import { useSyncExternalStore } from 'react';

let isOpen = false;
const listeners = new Set<() => void>();

export const openSearch = (): void => setOpen(true);
export const closeSearch = (): void => setOpen(false);

/** Returns whether the search is open; rerenders the component when that changes. */
export function useSearchOpen(): boolean {
  return useSyncExternalStore(subscribe, () => isOpen);
}

function setOpen(next: boolean): void {
  isOpen = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
