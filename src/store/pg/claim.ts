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
 * Parameters: $1 now, $2 until when the rows are claimed, $3 how many rows at most.
 *
 * The rows are marked by ctid, which their lock keeps valid: a join would be planned while the table is small, and that
 * plan kept.
 */
export function claimStatement({ table, dueAt, where = 'true', columns, among, select }: ClaimQuery): string {
  const found = `select ctid as place, ${columns} from ${table}
    where ${where} and ${dueAt} <= $1 and (claimed_until is null or claimed_until < $1)
    order by ${dueAt} limit $3
    for update skip locked`;
  return `
with ${among === undefined ? `due as materialized (${found})` : `found as materialized (${found}), due as materialized (${among})`},
claimed as (
  update ${table} set claimed_until = $2 where ctid = any (array(select place from due))
)
select ${select}`;
}
