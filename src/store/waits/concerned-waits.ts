import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import type { StoredWait } from './wait-content.ts';
import { SELECTED_WAIT, STATE_BYTES, toWait, WAIT_COLUMNS, type WaitRow } from './waits.ts';

/** Open waits of a user beyond those that are always loaded, of the rules and keys that events concern; in pages. */

/** Waits of a page, and the bytes of their states with what is sealed; at least one wait. */
const MAX_PAGE_WAITS = 2000;
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** A rule and key that an event concerns. */
export interface Concern {
  readonly rule: string;
  /** Null: any key. */
  readonly key: string | null;
}

interface UserOfWaits {
  readonly tenantId: string;
  readonly userId: string;
}

/** Returns the catalog versions of the user's open waits that are due at `from` or later. */
export async function loadWaitVersions(
  connection: Connection,
  { tenantId, userId }: UserOfWaits,
  from: Millis,
): Promise<number[]> {
  const { rows } = await connection.query<{ catalog_version: number }>({
    name: 'load-wait-versions',
    text: `select distinct catalog_version from waits
           where tenant_id = $1 and user_id = $2 and status = 'waiting' and due_at >= $3`,
    values: [tenantId, userId, isoTime(from)],
  });
  return rows.map((row) => row.catalog_version);
}

/** Position of a page: waits that are due later, or at the same time with a greater id. */
export interface WaitPosition {
  readonly dueAt: Millis;
  readonly waitId: string;
}

/** Returns a page of the user's open waits of these rules and keys, those due first; and whether there may be more. */
export async function loadConcernedWaits(
  connection: Connection,
  { tenantId, userId }: UserOfWaits,
  concerns: readonly Concern[],
  after: WaitPosition,
): Promise<{ readonly waits: readonly StoredWait[]; readonly bytes: number; readonly hasMore: boolean }> {
  const { rows } = await connection.query<WaitRow & { readonly bytes: number; readonly fits: boolean }>({
    name: 'load-concerned-waits',
    text: `select * from (
             select ${SELECTED_WAIT}, bytes,
                    coalesce(sum(bytes) over (order by due_at, wait_id rows between unbounded preceding and 1 preceding), 0)
                      < ${MAX_PAGE_BYTES} as fits
             from (
               select ${WAIT_COLUMNS}, ${STATE_BYTES} as bytes from waits as w
               where tenant_id = $1 and user_id = $2 and status = 'waiting' and due_at >= $5
                 and (due_at, wait_id) > ($5::timestamptz, $6::uuid)
                 and exists (
                   select from unnest(string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')) as q(rule, key)
                   where q.rule = w.rule and (q.key = '*' or substr(q.key, 2) = w.key)
                 )
               order by due_at, wait_id limit ${MAX_PAGE_WAITS}
             ) as found
           ) as sized where fits order by due_at, wait_id`,
    values: [
      tenantId,
      userId,
      packTextArray(concerns.map(({ rule }) => rule)),
      // With a prefix, which no other key than "any" lacks.
      packTextArray(concerns.map(({ key }) => (key === null ? '*' : `=${key}`))),
      isoTime(after.dueAt),
      after.waitId,
    ],
  });
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  return { waits: rows.map(toWait), bytes, hasMore: rows.length === MAX_PAGE_WAITS || bytes >= MAX_PAGE_BYTES };
}
