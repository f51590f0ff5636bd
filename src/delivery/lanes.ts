import type pg from 'pg';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { ClaimWant } from '../store/deliveries/claim.ts';
import { findDueLanes, type Lane } from '../store/deliveries/lanes.ts';
import { QueueFloor } from '../store/pg/queue-floor.ts';

/** Least urgent priority that has slots of its own. */
export const MAX_URGENT_PRIORITY = 1;
/** Least urgent priority that has tokens of rate limits of its own. */
export const MAX_TOKEN_PRIORITY = 0;
const MAX_PRIORITY = 3;
/** Lanes that are looked for at once: so many urgent ones, and as many others. */
const MAX_FOUND_LANES = 500;
/** Part of a claim that is kept for each less urgent priority that has something due. */
const LESS_URGENT_SHARE = 1 / 8;
/** Lanes are looked for this many times as long after a search as it took, and not before the shortest time (ms). */
const SEARCH_PAUSE_FACTOR = 20;
const MIN_SEARCH_PAUSE_MS: Millis = 200;
/** Urgent lanes are looked for again after this time (ms), however long a search took. */
const URGENT_SEARCH_PAUSE_MS: Millis = 100;
/** Longest time in ms that the next search is waited for: one may be under way. */
const MAX_SEARCH_PAUSE_MS: Millis = 250;

/** A lane that the last search found. */
export interface KnownLane extends Lane {
  readonly floor: QueueFloor;
}

type SelectOpen = (lanes: readonly KnownLane[]) => Promise<readonly KnownLane[]>;

/**
 * The lanes of a channel while more is due than the worker can take: each claim takes from every lane that has work, the more
 * urgent ones first. A lane of which a claim returned less than it asked for is left out until the next search finds it again.
 */
export class ChannelLanes {
  readonly #pool: pg.Pool;
  readonly #channel: Channel;
  readonly #clock: () => Millis;
  readonly #random: () => number;
  readonly #pauseFactor: number;
  #known: KnownLane[] = [];
  /** Place where the next search goes on among the lanes that are not urgent; null: from the first. */
  #after: Lane | null = null;
  #searchFrom: Millis = Number.NEGATIVE_INFINITY;
  #searchUrgentFrom: Millis = Number.NEGATIVE_INFINITY;
  /** Lane from which the next claim begins, so that the rest of a division does not always go to the same. */
  #turn = 0;

  /**
   * @param random numbers from 0 (inclusive) to 1 (exclusive), for the order of the priorities
   * @param pauseFactor part of the pauses between two searches that is kept
   */
  constructor(pool: pg.Pool, channel: Channel, clock: () => Millis, random = Math.random, pauseFactor = 1) {
    this.#pool = pool;
    this.#channel = channel;
    this.#clock = clock;
    this.#pauseFactor = pauseFactor;
    this.#random = random;
  }

  /**
   * Returns how many deliveries to claim of each lane, `count` in total at most; empty: none has something due.
   * @param maxPriority of less urgent deliveries none
   * @param selectOpen returns those of which something may be claimed now; default: all
   */
  async chooseWants(count: number, maxPriority = MAX_PRIORITY, selectOpen?: SelectOpen): Promise<ClaimWant[]> {
    await this.#search();
    const known = this.#known.filter(({ priority }) => priority <= maxPriority);
    const lanes = selectOpen ? await selectOpen(known) : known;
    if (lanes.length === 0) return [];
    const channel = this.#channel;
    const shares = shareOut(lanes, count, this.#turn++);
    return putFirst(shares, this.#random()).map(({ lane, count }) => ({ channel, count, lane, floor: lane.floor }));
  }

  /** Time in ms until lanes are looked for again; 0: the next claim does. */
  get untilSearch(): Millis {
    return Math.min(Math.max(0, this.#searchFrom - performance.now()), MAX_SEARCH_PAUSE_MS);
  }

  /** Notes how many deliveries a claim returned of what it asked for. */
  report({ lane, count }: ClaimWant, claimed: number): void {
    if (claimed >= count) return;
    this.#known = this.#known.filter(({ priority, name }) => priority !== lane?.priority || name !== lane.name);
  }

  /**
   * Looks for lanes, unless it has just done so. Urgent ones are looked for on their own: what is urgent does not wait until a long
   * search for all the others has been paid for.
   */
  async #search(): Promise<void> {
    await Promise.all([this.#searchUrgent(), this.#searchOthers()]);
  }

  async #searchUrgent(): Promise<void> {
    if (performance.now() < this.#searchUrgentFrom) return;
    this.#searchUrgentFrom = Number.POSITIVE_INFINITY;
    try {
      const { lanes } = await this.#find(null, MAX_URGENT_PRIORITY);
      this.#replace(lanes, ({ priority }) => priority <= MAX_URGENT_PRIORITY);
    } finally {
      this.#searchUrgentFrom = performance.now() + URGENT_SEARCH_PAUSE_MS * this.#pauseFactor;
    }
  }

  async #searchOthers(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.#searchFrom) return;
    this.#searchFrom = Number.POSITIVE_INFINITY;
    try {
      const first = { priority: MAX_URGENT_PRIORITY, name: '\u{10ffff}' };
      const { lanes, last } = await this.#find(this.#after ?? first, MAX_PRIORITY);
      this.#after = last;
      this.#replace(lanes, ({ priority }) => priority > MAX_URGENT_PRIORITY);
    } finally {
      const endedAt = performance.now();
      const usual = Math.max(MIN_SEARCH_PAUSE_MS, SEARCH_PAUSE_FACTOR * (endedAt - startedAt));
      this.#searchFrom = endedAt + usual * this.#pauseFactor;
    }
  }

  #find(after: Lane | null, maxPriority: number): ReturnType<typeof findDueLanes> {
    return findDueLanes(this.#pool, this.#channel, after, maxPriority, MAX_FOUND_LANES, this.#clock());
  }

  /** Replaces the lanes of a kind by those found, the urgent ones before the others. A lane keeps its floor. */
  #replace(found: readonly Lane[], isKind: (lane: Lane) => boolean): void {
    const floors = new Map(this.#known.map(({ priority, name, floor }) => [`${priority} ${name}`, floor]));
    const lanes = found.map((lane) => ({
      ...lane,
      floor: floors.get(`${lane.priority} ${lane.name}`) ?? new QueueFloor(),
    }));
    const others = this.#known.filter((lane) => !isKind(lane));
    this.#known = isKind({ priority: 0, name: '' }) ? [...lanes, ...others] : [...others, ...lanes];
  }
}

/**
 * Divides `count` among lanes: to the more urgent ones first, but for a share of each less urgent priority, and evenly among the
 * lanes of one priority.
 * @param turn where the division begins, for the rest that cannot be divided
 */
export function shareOut<L extends Lane>(
  lanes: readonly L[],
  count: number,
  turn: number,
): { readonly lane: L; readonly count: number }[] {
  const shares: { lane: L; count: number }[] = [];
  const priorities = [...new Set(lanes.map(({ priority }) => priority))].sort((a, b) => a - b);
  let left = count;
  for (const [index, priority] of priorities.entries()) {
    const own = lanes.filter((lane) => lane.priority === priority);
    const lessUrgent = priorities.length - index - 1;
    const kept = Math.min(left - 1, Math.ceil(count * LESS_URGENT_SHARE) * lessUrgent);
    const share = Math.max(0, left - Math.max(0, kept));
    const [each, rest] = [Math.floor(share / own.length), share % own.length];
    for (let place = 0; place < own.length; place++) {
      const ownShare = each + (place < rest ? 1 : 0);
      // The first lanes get the tokens of a limit that does not allow all of it.
      if (ownShare > 0) shares.push({ lane: own[(place + turn) % own.length] as L, count: ownShare });
    }
    left -= share;
    if (left <= 0) break;
  }
  return shares;
}

/**
 * Returns the shares in the order in which they get the tokens of rate limits: the more urgent ones first, but in LESS_URGENT_SHARE of
 * the claims those of one less urgent priority. Otherwise limits that allow no more than what is urgent would leave it nothing.
 * @param draw a random number from 0 (inclusive) to 1 (exclusive)
 */
export function putFirst<S extends { readonly lane: Lane }>(shares: readonly S[], draw: number): readonly S[] {
  const priorities = [...new Set(shares.map(({ lane }) => lane.priority))];
  if (draw >= LESS_URGENT_SHARE || priorities.length < 2) return shares;
  const place = 1 + Math.floor((draw / LESS_URGENT_SHARE) * (priorities.length - 1));
  const isFirst = ({ lane }: S) => lane.priority === priorities[place];
  return [...shares.filter(isFirst), ...shares.filter((one) => !isFirst(one))];
}
