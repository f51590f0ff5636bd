import { contentUuid } from '../events/content.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Ids } from '../rules/facts.ts';

/** Returns the source of ids of what production decides. */
export function newIds(seal: Seal): Ids {
  return { fresh: freshId, fromText: contentUuid, keyed: (text) => seal.hash(text) };
}
