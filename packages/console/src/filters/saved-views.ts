/* Views: filters with a name, which this browser keeps for each page and tenant. */
import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { getSession } from '../api/session.ts';
import { ofBrowser } from '../kept-values.ts';

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

export interface SavedViews {
  readonly views: readonly SavedView[];
  /** Keeps a view in the place of that of the same name; beyond MAX_VIEWS the oldest goes. */
  save(view: SavedView): void;
  remove(name: string): void;
}

/** Returns the views of a page in the tenant that is shown, chosen or not; rerenders the component when they change. */
export function useSavedViews(page: string): SavedViews {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  const tenant = data?.tenant_id;
  const key = tenant == null ? null : `tidings.views.${page}.${tenant}`;
  const views = useSyncExternalStore(subscribe, () => (key === null ? NONE : read(key)));
  const change = (changed: readonly SavedView[]) => {
    if (key !== null) write(key, changed);
  };
  return {
    views,
    save: (view) => change([view, ...views.filter(({ name }) => name !== view.name)].slice(0, MAX_VIEWS)),
    remove: (name) => change(views.filter((one) => one.name !== name)),
  };
}

function read(key: string): readonly SavedView[] {
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

function write(key: string, views: readonly SavedView[]): void {
  ofBrowser.write(key, JSON.stringify(views));
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
