import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';

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

let clock: () => number = Date.now;

/** Returns a fresh UUIDv7 (RFC 9562 section 5.7). Ids of one process sort in the order in which they were made. */
export function freshId(): string {
  return generator.generateOrResetWithTs(clock()).toString();
}

/**
 * Sets the clock that the ids of this process have their time of. It is of a whole process, as is the order of its ids; only one
 * that plays a past sets it, so that what it makes is found by its time.
 *
 * @param next whole milliseconds of the epoch
 */
export function setIdClock(next: () => number): void {
  clock = next;
}
