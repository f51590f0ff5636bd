/* Whether the menu at the left is folded to its icons: a choice that this browser keeps. */
import { useSyncExternalStore } from 'react';
import { ofBrowser } from '../kept-values.ts';

const STORAGE_KEY = 'tidings.menu';
/** Narrower windows begin with a folded menu, in pixels. */
const ROOMY_WIDTH = 1100;

const stored = ofBrowser.read(STORAGE_KEY);
let isFolded = stored === null ? innerWidth < ROOMY_WIDTH : stored === 'folded';
const listeners = new Set<() => void>();

/** Returns whether the menu is folded; rerenders the component when that changes. */
export function useFolded(): boolean {
  return useSyncExternalStore(subscribe, () => isFolded);
}

export function toggleFolded(): void {
  isFolded = !isFolded;
  ofBrowser.write(STORAGE_KEY, isFolded ? 'folded' : 'open');
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
