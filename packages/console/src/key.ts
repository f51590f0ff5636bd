/**
 * API key of this browser tab, or the token of the webhook portal. It is kept in sessionStorage, which ends with the tab, and is never
 * part of a URL.
 */
import { useSyncExternalStore } from 'react';
import { ofTab } from './kept-values.ts';
import { isPortal } from './portal/is-portal.ts';

const STORAGE_KEY = isPortal ? 'tidings.portal_token' : 'tidings.api_key';

/** State of the key. `open`: not needed, or not rejected so far. `wanted`: required by the API. `rejected`: by the API. */
export type KeyState = 'open' | 'wanted' | 'rejected';

let state: KeyState = 'open';
const listeners = new Set<() => void>();

/** Returns the key of this tab; null if none was entered. */
export function getApiKey(): string | null {
  return ofTab.read(STORAGE_KEY);
}

/** Stores the key for this tab and resumes the console. */
export function setApiKey(key: string): void {
  ofTab.write(STORAGE_KEY, key);
  setKeyState('open');
}

/** Forgets the key, and resumes the console: the session of a member counts from now on, if there is one. */
export function forgetApiKey(): void {
  ofTab.write(STORAGE_KEY, null);
  setKeyState('open');
}

/** Records that the API returned 401 to a request with the key `used`; null: a request without a key. */
export function reportRejectedKey(used: string | null): void {
  // A response to a request with an earlier key says nothing about the current one.
  if (used !== getApiKey()) return;
  ofTab.write(STORAGE_KEY, null);
  if (used === null && state === 'rejected') return;
  setKeyState(used === null ? 'wanted' : 'rejected');
}

export const getKeyState = (): KeyState => state;

/** Returns the state of the key; rerenders the component when it changes. */
export function useKeyState(): KeyState {
  return useSyncExternalStore(subscribe, getKeyState);
}

function setKeyState(next: KeyState): void {
  state = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
