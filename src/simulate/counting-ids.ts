import { contentUuid } from '../events/content.ts';
import type { Ids } from '../rules/facts.ts';

/** Returns a source of ids that gives the same ids in every run: fresh ones count up from 1. */
export function countingIds(): Ids {
  return new CountingIds();
}

class CountingIds implements Ids {
  #count = 0;

  fresh(): string {
    return `00000000-0000-7000-8000-${(++this.#count).toString(16).padStart(12, '0')}`;
  }

  fromText(text: string): string {
    return contentUuid(text);
  }
}
