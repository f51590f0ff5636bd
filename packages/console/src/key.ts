/**
 * The API key of this browser tab. It lives in sessionStorage, so that it goes when the tab goes, and is never part of
 * an address.
 */
import { useSyncExternalStore } from 'react';

const STORAGE_KEY = 'tidings.api_key';

/** `open`: carry on. `wanted`: the API asks for a key. `rejected`: it did not accept the one it got. */
export type KeyState = 'open' | 'wanted' | 'rejected';

let state: KeyState = 'open';
const listeners = new Set<() => void>();

export function apiKey(): string | null {
  return sessionStorage.getItem(STORAGE_KEY);
}

export function setApiKey(key: string): void {
  sessionStorage.setItem(STORAGE_KEY, key);
  setKeyState('open');
}

/** The API answered 401 to a request that carried `used`. */
export function reportRejectedKey(used: string | null): void {
  // An answer to a request from before the present key was entered says nothing about it.
  if (used !== apiKey()) return;
  sessionStorage.removeItem(STORAGE_KEY);
  if (used === null && state === 'rejected') return;
  setKeyState(used === null ? 'wanted' : 'rejected');
}

export function useKeyState(): KeyState {
  return useSyncExternalStore(subscribe, () => state);
}

function setKeyState(next: KeyState): void {
  state = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
