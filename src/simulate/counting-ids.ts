import { contentUuid } from '../events/content.ts';
import type { Ids } from '../rules/facts.ts';

/** Ids that are the same whenever the same is played again: new ones count up. */
export function countingIds(): Ids {
  let made = 0;
  return {
    fresh: () => `00000000-0000-7000-8000-${(++made).toString(16).padStart(12, '0')}`,
    fromText: contentUuid,
  };
}
