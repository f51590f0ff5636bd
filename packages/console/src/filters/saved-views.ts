/* Views: filters with a name, which this browser keeps for each page and tenant. */
import { useSyncExternalStore } from 'react';
import { ofBrowser } from '../kept-values.ts';
import { getTenant } from '../tenant.ts';

export interface SavedView {
  readonly name: string;
  /** Query of its address; empty, or with the question mark. */
  readonly query: string;
}

const MAX_VIEWS = 30;
const NONE: readonly SavedView[] = [];
const listeners = new Set<() => void>();
/** As read last, so that equal views stay the same object. */
const known = new Map<string, { readonly text: string | null; readonly views: readonly SavedView[] }>();

/** Returns the views of a page; rerenders the component when they change. */
export function useSavedViews(page: string): readonly SavedView[] {
  return useSyncExternalStore(subscribe, () => read(page));
}

/** Keeps a view in the place of that of the same name; beyond MAX_VIEWS the oldest goes. */
export function saveView(page: string, view: SavedView): void {
  write(page, [view, ...read(page).filter(({ name }) => name !== view.name)].slice(0, MAX_VIEWS));
}

export function removeView(page: string, name: string): void {
  write(
    page,
    read(page).filter((one) => one.name !== name),
  );
}

const toKey = (page: string) => `tidings.views.${page}.${getTenant() ?? ''}`;

function read(page: string): readonly SavedView[] {
  const key = toKey(page);
  const text = ofBrowser.read(key);
  const before = known.get(key);
  if (before?.text === text) return before.views;
  const views = parse(text);
  known.set(key, { text, views });
  return views;
}

/** Another version of the console may have written it. */
function parse(text: string | null): readonly SavedView[] {
  try {
    const views: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(views)
      ? views.filter((one) => typeof one?.name === 'string' && typeof one.query === 'string')
      : NONE;
  } catch {
    return NONE;
  }
}

function write(page: string, views: readonly SavedView[]): void {
  ofBrowser.write(toKey(page), JSON.stringify(views));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}
