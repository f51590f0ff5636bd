import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';
import { contentUuid } from '../events/content.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Ids } from '../rules/facts.ts';

/** Random words, drawn many at a time: asking the system for a few bytes costs more than the rest of an id. */
const words = new Uint32Array(4096);
let used = words.length;

const generator = new V7Generator({
  nextUint32() {
    if (used === words.length) {
      randomFillSync(words);
      used = 0;
    }
    return words[used++] as number;
  },
});

/** Returns a fresh UUIDv7 (RFC 9562 section 5.7). Ids of one process sort in the order in which they were made. */
function newId(): string {
  return generator.generate().toString();
}

/** Returns the source of ids of what production decides. */
export function newIds(seal: Seal): Ids {
  return { fresh: newId, fromText: contentUuid, keyed: (text) => seal.hash(text) };
}
