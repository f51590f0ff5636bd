import { contentUuid } from '../events/content.ts';
import type { Ids } from '../rules/facts.ts';

/**
 * Returns a source of ids that gives the same ids in every run: fresh ones count up from 1.
 * @param keyed the keyed hash of production, for a replay; absent: a plain hash, for data that is stored nowhere
 */
export function countingIds(keyed: Ids['keyed'] = plainHash): Ids {
  return new CountingIds(keyed);
}

function plainHash(text: string): string {
  return contentUuid(text).replaceAll('-', '');
}

class CountingIds implements Ids {
  readonly #keyed: Ids['keyed'];
  #count = 0;

  constructor(keyed: Ids['keyed']) {
    this.#keyed = keyed;
  }

  fresh(): string {
    return `00000000-0000-7000-8000-${(++this.#count).toString(16).padStart(12, '0')}`;
  }

  fromText(text: string): string {
    return contentUuid(text);
  }

  keyed(text: string): string {
    return this.#keyed(text);
  }
}
