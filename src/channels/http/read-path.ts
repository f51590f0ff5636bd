import type { Json } from '../../model/event.ts';

/** A path as settings write it: names and indexes with dots between, as `messages.0.status`. */
export const PATH = /^[^.\s][^.\s]{0,63}(?:\.[^.\s]{1,64}){0,9}$/;

/** Returns the value at a path; undefined: the path leads nowhere. */
export function readPath(value: Json | undefined, path: string): Json | undefined {
  let at = value;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as { readonly [name: string]: Json })[name];
  }
  return at;
}

/** Returns the text or number at a path, as text; undefined: there is neither, or the text is empty. */
export function readPathText(value: Json | undefined, path: string | undefined): string | undefined {
  const found = path === undefined ? undefined : readPath(value, path);
  if (typeof found === 'number' || typeof found === 'boolean') return String(found);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
