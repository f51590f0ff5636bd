import type pg from 'pg';
import { groupBy } from '../../lib/group-by.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type QueueFloor, toFloorParam } from './queue-floor.ts';
import { type LaneWant, QueueLanes } from './queue-lanes.ts';

/** A queue: a table with `tenant_id`, the columns of the queue's order and `claimed_until timestamptz`. */
export interface QueueDescription {
  /** Name of the statement that claims in order of due time; those of lanes have it in theirs. */
  readonly name: string;
  readonly table: string;
  /** Column of the due time, which the queue's index is on. */
  readonly dueAt: string;
  /** Condition of the queue's index, if it is partial. */
  readonly where?: string;
  /** Condition of the index of the queue's lanes: on tenant_id and the due time. */
  readonly laneWhere: string;
  /** Columns or expressions to read of each row; among them tenant_id, and the due time as due_at. */
  readonly columns: string;
  /** Bound of the bytes of the rows of a claim; the first is claimed whatever its size. Default: none. */
  readonly size?: { readonly bytes: string; readonly max: number };
  /** The result, with the columns of ClaimedRow: the rest of a query that starts with `select`, over the claimed rows `due`. */
  readonly select: string;
}

/** The statements of a queue. */
export interface Queue {
  readonly name: string;
  /**
   * Claims the rows that are due longest. Parameters: $1 now, $2 until when the rows are claimed, $3 how many rows at most,
   * $4 the floor of the queue.
   */
  readonly claim: string;
  /** Claims the rows of lanes that are due longest. $1, $2 as above, $3 the lanes, $4 how many of each, $5 their floors. */
  readonly claimLanes: string;
}

/** Result of a claim for one or more rows of a tenant. */
export interface ClaimedRow {
  readonly tenant_id: string;
  /** Due time of the first of these rows. */
  readonly due_at: Millis;
  /** Rows of the queue that it stands for. Absent: one. */
  readonly rows?: number;
  /** Rows that were due in the whole claim, with those that its bound of bytes left out. Absent: those that were claimed. */
  readonly found?: number;
}

/**
 * Returns the statements that claim due rows: their `claimed_until` is set, and other claims skip them until then. Concurrent
 * claims never return the same row.
 *
 * The rows are marked by ctid, which their lock keeps valid: a join would be planned while the table is small, and that
 * plan kept.
 */
export function describeQueue(queue: QueueDescription): Queue {
  const { name, table, dueAt, where = 'true', laneWhere, columns, size } = queue;
  const read = `ctid as place, ${columns}${size ? `, ${size.bytes} as size` : ''}`;
  const found = `select ${read} from ${table}
    where ${where} and ${dueAt} <= $1 and (claimed_until is null or claimed_until < $1)
      and ${dueAt} >= $4
    order by ${dueAt} limit $3
    for update skip locked`;
  const foundOfLanes = `select own.* from unnest($3::text[], $4::int[], $5::timestamptz[]) as lane(name, n, floor)
    cross join lateral (
      select ${read} from ${table}
      where ${laneWhere} and tenant_id = lane.name
        and ${dueAt} <= $1 and (claimed_until is null or claimed_until < $1) and ${dueAt} >= lane.floor
      order by ${dueAt} limit lane.n
      for update skip locked
    ) as own`;
  return {
    name,
    claim: markClaimed(queue, found, '1'),
    claimLanes: markClaimed(queue, foundOfLanes, 'row_number() over (partition by tenant_id order by due_at)'),
  };
}

/** @param turn of a row: the bound of bytes admits the rows of the first turn, then those of the next one, in order of due time */
function markClaimed({ table, size, select }: QueueDescription, found: string, turn: string): string {
  const due = size
    ? `found as materialized (${found}),
due as materialized (
  select * from (
    select placed.*, sum(size) over (order by turn, due_at rows between unbounded preceding and 1 preceding) as before
    from (select found.*, ${turn} as turn from found) as placed
  ) as sized
  where coalesce(before, 0) < ${size.max}
)`
    : `due as materialized (${found})`;
  return `
with ${due},
claimed as (
  update ${table} set claimed_until = $2 where ctid = any (array(select place from due))
)
select ${select}`;
}

/**
 * Claims due rows, at most `limit`: those due longest; or, while more is due than the worker takes and `floor` knows the lanes of
 * the queue, a share of each lane. Returns the rows as the queue describes them.
 * @param floor rows that are due before it are not looked at; absent: all are
 */
export async function claimRows<Row extends ClaimedRow>(
  pool: pg.Pool,
  queue: Queue,
  { now, until, limit }: { readonly now: Millis; readonly until: Millis; readonly limit: number },
  floor?: QueueFloor,
): Promise<readonly Row[]> {
  const times = [isoTime(now), isoTime(until)];
  const lanes = floor instanceof QueueLanes ? floor : undefined;
  const wants = (await lanes?.chooseWants(pool, limit, now)) ?? [];
  if (lanes && wants.length > 0) {
    const rows = await claimOfLanes(lanes, wants, now, async (values) => {
      const statement = { name: `${queue.name}-of-lanes`, text: queue.claimLanes, values: [...times, ...values] };
      return (await pool.query<Row>(statement)).rows;
    });
    if (rows.length > 0) return rows;
  }
  const rows = await claimFrom(floor, now, async (from) => {
    const statement = { name: queue.name, text: queue.claim, values: [...times, limit, from] };
    return (await pool.query<Row>(statement)).rows;
  });
  lanes?.noteOrdered((rows[0]?.found ?? countRows(rows)) >= limit);
  return rows;
}

/** Runs a claim of lanes from their floors, moves the floors, and leaves out lanes that had less than was asked for. */
async function claimOfLanes<Row extends ClaimedRow>(
  lanes: QueueLanes,
  wants: readonly LaneWant[],
  now: Millis,
  claim: (values: unknown[]) => Promise<Row[]>,
): Promise<readonly Row[]> {
  const begun = wants.map((want) => ({ ...want, scan: want.floor.begin(now) }));
  try {
    const floors = begun.map(({ scan }) => toFloorParam(scan.from));
    const rows = await claim([wants.map(({ lane }) => lane), wants.map(({ count }) => count), floors]);
    const isCut = (rows[0]?.found ?? 0) > countRows(rows);
    const ofLane = groupBy(rows, ({ tenant_id }) => tenant_id);
    for (const { lane, count, floor, scan } of begun) {
      const own = ofLane.get(lane) ?? [];
      // Its rows may be those that were left out: nothing is known of them.
      if (isCut && own.length === 0) continue;
      floor.end(scan, now, findOldest(own));
      if (!isCut && countRows(own) < count) lanes.drop(lane);
    }
    return rows;
  } finally {
    for (const { floor, scan } of begun) floor.abandon(scan);
  }
}

/** Runs a claim from the floor of its queue, and moves the floor. @param claim runs the statement with this floor as $4 */
async function claimFrom<Row extends ClaimedRow>(
  floor: QueueFloor | undefined,
  now: Millis,
  claim: (floorParam: string) => Promise<Row[]>,
): Promise<readonly Row[]> {
  if (!floor) return claim(toFloorParam(Number.NEGATIVE_INFINITY));
  const scan = floor.begin(now);
  try {
    const rows = await claim(toFloorParam(scan.from));
    floor.end(scan, now, findOldest(rows));
    return rows;
  } finally {
    floor.abandon(scan);
  }
}

function findOldest(rows: readonly ClaimedRow[]): Millis | null {
  return rows.reduce<Millis | null>((oldest, { due_at }) => Math.min(oldest ?? due_at, due_at), null);
}

function countRows(claimed: readonly ClaimedRow[]): number {
  return claimed.reduce((sum, { rows = 1 }) => sum + rows, 0);
}
