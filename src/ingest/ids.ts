import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';
import { contentUuid } from '../events/content.ts';
import type { Ids } from '../rules/facts.ts';

const pool = new Uint32Array(4096);
let used = pool.length;

/** Random words drawn many at a time: asking the system for a few bytes costs more than all the rest of an id. */
const generator = new V7Generator({
  nextUint32() {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++] as number;
  },
});

/** A fresh UUIDv7 (RFC 9562 section 5.7): ids of one process sort in the order they were made. */
export function newId(): string {
  return generator.generate().toString();
}

/** The ids of what is decided live. */
export const ids: Ids = { fresh: newId, fromText: contentUuid };
