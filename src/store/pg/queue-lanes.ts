import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { QueueFloor } from './queue-floor.ts';

/** Lanes that are known at once. */
const MAX_LANES = 500;
/** Tenants that one search looks at; an index probe each. */
const MAX_LOOKED_AT = 10_000;
/** Lanes are looked for this many times as long after a search as it took, within the bounds. */
const SEARCH_PAUSE_FACTOR = 20;
const MIN_SEARCH_PAUSE_MS: Millis = 200;
const MAX_SEARCH_PAUSE_MS: Millis = 5000;
/** Floors of lanes that are remembered; beyond it, all are forgotten. */
const MAX_FLOORS = 5000;

/** A queue that has a lane for each tenant. */
export interface LaneQueue {
  /** Name of the statement that looks for lanes. */
  readonly name: string;
  readonly table: string;
  readonly dueAt: string;
  /** Condition of the index on tenant_id and the due time. */
  readonly laneWhere: string;
}

/** Request of a claim: rows of a lane. */
export interface LaneWant {
  /** The tenant. */
  readonly lane: string;
  readonly count: number;
  readonly floor: QueueFloor;
}

/**
 * The floor of a queue of all tenants, and its lanes: the rows of one tenant each, which must not wait for those of others. Rows
 * are claimed in order of due time as long as a claim takes all that is due. While more is due, each claim takes an equal share of
 * every lane that has something due. A lane of which a claim returned less than it asked for is left out until the next search
 * finds it again, so its share goes to the others. Rows of tenants that are not active are not looked for.
 *
 * Lanes are kept in order of name, and take turns in that order. If there are more than MAX_LANES, or more tenants than
 * MAX_LOOKED_AT, a search finds those after the ones that had their turn.
 */
export class QueueLanes extends QueueFloor {
  readonly #queue: LaneQueue;
  readonly #floors = new Map<string, QueueFloor>();
  #isBehind = false;
  /** Lanes that had something due when they were last looked at; in order. */
  #known: readonly string[] = [];
  /** Whether the last search looked at all tenants. */
  #isWhole = true;
  /** Tenant after which the next search begins. */
  #after = '';
  /** Turns that were taken since the last search. */
  #turns = 0;
  /** The lane that had the last turn. */
  #lastServed = '';
  #searchFrom: Millis = Number.NEGATIVE_INFINITY;

  constructor(queue: LaneQueue) {
    super();
    this.#queue = queue;
  }

  /** Whether more is due, as far as is known, than the last claim took. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  override lower(dueAt: Millis): void {
    super.lower(dueAt);
    for (const floor of this.#floors.values()) floor.lower(dueAt);
  }

  override reset(): void {
    super.reset();
    this.#floors.clear();
  }

  /**
   * Returns how many rows to claim of each lane, `count` in total; empty: rows are to be claimed in order of due time, because
   * there is no backlog, or only one tenant has something due.
   */
  async chooseWants(pool: pg.Pool, count: number, now: Millis): Promise<LaneWant[]> {
    if (!this.#isBehind) return [];
    await this.#search(pool, now);
    if (this.#isWhole && this.#known.length < 2) return [];
    const shares = shareOut(this.#known, count, this.#lastServed);
    this.#turns += shares.length;
    this.#lastServed = shares.at(-1)?.lane ?? this.#lastServed;
    return shares.map((share) => ({ ...share, floor: this.#floorOf(share.lane) }));
  }

  /** Notes that a claim returned less of a lane than it asked for. */
  drop(lane: string): void {
    this.#known = this.#known.filter((one) => one !== lane);
  }

  /** Notes whether a claim in order of due time took as many rows as it asked for. */
  noteOrdered(isFull: boolean): void {
    this.#isBehind = isFull;
    if (isFull) return;
    this.#known = [];
    this.#floors.clear();
  }

  /** Looks for lanes, unless it has just done so, or some of many have not had their turn. */
  async #search(pool: pg.Pool, now: Millis): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.#searchFrom || (!this.#isWhole && this.#turns < this.#known.length)) return;
    try {
      const { lanes, last } = await findDueLanes(pool, this.#queue, this.#after, now);
      this.#isWhole = this.#after === '' && last === null;
      this.#known = lanes;
      this.#after = last ?? '';
      this.#turns = 0;
    } finally {
      const endedAt = performance.now();
      const pause = Math.max(MIN_SEARCH_PAUSE_MS, SEARCH_PAUSE_FACTOR * (endedAt - startedAt));
      this.#searchFrom = endedAt + Math.min(MAX_SEARCH_PAUSE_MS, pause);
    }
  }

  #floorOf(lane: string): QueueFloor {
    let floor = this.#floors.get(lane);
    if (!floor) {
      if (this.#floors.size >= MAX_FLOORS) this.#floors.clear();
      floor = new QueueFloor();
      this.#floors.set(lane, floor);
    }
    return floor;
  }
}

/**
 * Divides `count` evenly among lanes, beginning with the one after `lastServed`; of more lanes than `count`, those that follow it
 * have one each.
 * @param lanes in order of name
 */
export function shareOut(
  lanes: readonly string[],
  count: number,
  lastServed: string,
): { readonly lane: string; readonly count: number }[] {
  const first = Math.max(
    0,
    lanes.findIndex((lane) => lane > lastServed),
  );
  const inTurn = [...lanes.slice(first), ...lanes.slice(0, first)];
  const [each, rest] = [Math.floor(count / inTurn.length), count % inTurn.length];
  // The lanes that have one more come last, so that the next division begins after them.
  const shares = inTurn.map((lane, place) => ({ lane, count: each + (place < rest ? 1 : 0) }));
  return [...shares.slice(rest), ...shares.slice(0, rest)].filter((share) => share.count > 0);
}

interface FoundLanes {
  readonly lanes: readonly string[];
  /** Last tenant that was looked at; null: there is no tenant after these. */
  readonly last: string | null;
}

/** Returns active tenants that have rows due, in order of name. @param after only tenants after this one */
async function findDueLanes(
  pool: pg.Pool,
  { name, table, dueAt, laneWhere }: LaneQueue,
  after: string,
  now: Millis,
): Promise<FoundLanes> {
  const { rows } = await pool.query<{ lanes: string[]; last: string | null }>({
    name,
    // A scalar: an "exists" may be planned as one scan of everything that is due.
    text: `
select array(
    select tenant_id from (${LOOKED_AT} limit ${MAX_LOOKED_AT}) as looked_at
    where (
      select true from ${table} as q
      where ${laneWhere} and q.tenant_id = looked_at.tenant_id and ${dueAt} <= $2 order by ${dueAt} limit 1)
    order by tenant_id limit ${MAX_LANES}
  ) as lanes,
  (${LOOKED_AT} limit 1 offset ${MAX_LOOKED_AT - 1}) as last`,
    values: [after, isoTime(now)],
  });
  const { lanes = [], last = null } = rows[0] ?? {};
  return { lanes, last: lanes.length < MAX_LANES ? last : (lanes.at(-1) ?? null) };
}

const LOOKED_AT = `select tenant_id from tenants where tenant_id > $1 and status = 'active' order by tenant_id`;
