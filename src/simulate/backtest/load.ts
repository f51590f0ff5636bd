import type { Millis } from '../../model/event.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';

/** Sends by hour and user, on either side. */
export interface LoadReport {
  /** The hour (UTC) with the most sends; null: without a send. */
  readonly busiest_hour: Sides<{ readonly hour: string; readonly sends: number } | null>;
  /** Users with more than MAX_A_DAY sends on one day (UTC). */
  readonly crowded_users: Sides<number>;
  /** Times that a user gets the same type twice or more on one day (UTC). */
  readonly repeated: Sides<number>;
}

interface Sides<T> {
  readonly live: T;
  readonly new: T;
}

/** Sends to a user on one day that are not many yet. */
const MAX_A_DAY = 3;

const HOUR_MS: Millis = 3_600_000;

/** Counts sends by hour, and users with many. Memory grows with the hours of the period, not with users. */
export class Load {
  readonly #hours = { live: new Map<number, number>(), new: new Map<number, number>() };
  readonly #crowded = { live: 0, new: 0 };
  readonly #repeated = { live: 0, new: 0 };

  /** Adds all sends to one user. */
  addUser(side: 'live' | 'new', sends: readonly { readonly type: string; readonly at: Millis }[]): void {
    const days = new Map<number, number>();
    const types = new Map<string, number>();
    for (const { type, at } of sends) {
      increment(this.#hours[side], Math.floor(at / HOUR_MS));
      const day = Math.floor(at / DAY_MS);
      increment(days, day);
      if (increment(types, `${day} ${type}`) === 2) this.#repeated[side]++;
    }
    if ([...days.values()].some((count) => count > MAX_A_DAY)) this.#crowded[side]++;
  }

  report(): LoadReport {
    return {
      busiest_hour: { live: findBusiest(this.#hours.live), new: findBusiest(this.#hours.new) },
      crowded_users: { ...this.#crowded },
      repeated: { ...this.#repeated },
    };
  }
}

/** Adds one, and returns the sum. */
function increment<K>(counts: Map<K, number>, key: K): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

function findBusiest(hours: ReadonlyMap<number, number>): LoadReport['busiest_hour']['live'] {
  let busiest: readonly [number, number] | undefined;
  for (const entry of hours) if (!busiest || entry[1] > busiest[1]) busiest = entry;
  return busiest ? { hour: isoTime(busiest[0] * HOUR_MS), sends: busiest[1] } : null;
}
