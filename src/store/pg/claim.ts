import type { Millis } from '../../model/event.ts';
import { type QueueFloor, toFloorParam } from './queue-floor.ts';

/** A queue: a table with the columns of the queue's order and `claimed_until timestamptz`. */
export interface ClaimQuery {
  readonly table: string;
  /** Column of the due time, which the queue's index is on. */
  readonly dueAt: string;
  /** Condition of the queue's index, if it is partial. */
  readonly where?: string;
  /** Columns or expressions to read of each row. */
  readonly columns: string;
  /** Query over the rows `found`, that are due and locked, for those to claim. Default: all. */
  readonly among?: string;
  /** The result: the rest of a query that starts with `select`, over the claimed rows `due`. */
  readonly select: string;
}

/**
 * Returns a statement that claims due rows, those due longest first: their `claimed_until` is set, and other claims skip
 * them until then. Concurrent claims never return the same row.
 *
 * Parameters: $1 now, $2 until when the rows are claimed, $3 how many rows at most, $4 the floor of the queue.
 *
 * The rows are marked by ctid, which their lock keeps valid: a join would be planned while the table is small, and that
 * plan kept.
 */
export function claimStatement({ table, dueAt, where = 'true', columns, among, select }: ClaimQuery): string {
  const found = `select ctid as place, ${columns} from ${table}
    where ${where} and ${dueAt} <= $1 and (claimed_until is null or claimed_until < $1)
      and ${dueAt} >= $4
    order by ${dueAt} limit $3
    for update skip locked`;
  return `
with ${among === undefined ? `due as materialized (${found})` : `found as materialized (${found}), due as materialized (${among})`},
claimed as (
  update ${table} set claimed_until = $2 where ctid = any (array(select place from due))
)
select ${select}`;
}

/**
 * Runs a claim from the floor of its queue, and moves the floor.
 * @param claim runs the statement with this floor as $4
 * @param floor absent: the queue is read from its start
 */
export async function claimFrom<Row>(
  floor: QueueFloor | undefined,
  now: Millis,
  claim: (floorParam: string) => Promise<Row[]>,
  dueAtOf: (row: Row) => Millis,
): Promise<Row[]> {
  if (!floor) return claim(toFloorParam(Number.NEGATIVE_INFINITY));
  const scan = floor.begin(now);
  try {
    const rows = await claim(toFloorParam(scan.from));
    floor.end(
      scan,
      now,
      rows.reduce<Millis | null>((oldest, row) => Math.min(oldest ?? Infinity, dueAtOf(row)), null),
    );
    return rows;
  } finally {
    floor.abandon(scan);
  }
}
