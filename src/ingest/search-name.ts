import { toNameKey } from '../lib/text/name-key.ts';
import type { JsonObject } from '../model/event.ts';

/** Traits that hold a whole name; the first of them that a user has counts. */
const NAME_TRAITS = ['name', 'full_name', 'user_name'] as const;

/**
 * Returns the name of a user as it is searched: that of the traits, or their `first_name` and `last_name`. Null: none is known.
 */
export function toSearchName(traits: JsonObject): string | null {
  for (const trait of NAME_TRAITS) {
    const name = traits[trait];
    if (typeof name === 'string' && name !== '') return toNameKey(name);
  }
  const { first_name: first, last_name: last } = traits;
  if (typeof first !== 'string' && typeof last !== 'string') return null;
  return toNameKey([first, last].filter((part) => typeof part === 'string').join(' '));
}
