import type { Millis } from '../../src/model/event.ts';

/** A clock that stands still until it is moved. */
export interface Clock {
  now: Millis;
}
