import type { JsonObject, Millis } from '../../model/event.ts';
import type { JobPreview, JobScope, RejectedFilter } from '../../model/job.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { rejectedAad, toUserHash } from '../rejected.ts';

/** Rejected events that a job looks at, in pages by the time of their last rejection, and their groups. */

/** Sources that are named of a group. */
const MAX_SOURCES = 20;
/** Rows that a preview and a list of groups look at, the newest. */
const MAX_GROUPED_ROWS = 20_000;
const MAX_PREVIEW_SAMPLE = 5;

export interface RejectedPosition {
  readonly at: Millis;
  readonly id: string;
}

/** A rejected event that a page has looked at. */
export interface ScannedRejected extends RejectedPosition {
  readonly eventId: string | null;
  /** Whether it has all that the filter asks for. */
  readonly matches: boolean;
  /** Size of the event as stored, in bytes. */
  readonly bytes: number;
}

/** Returns rejected events, matching or not, oldest first. What is rejected again meanwhile leaves the order. */
export async function scanRejected(
  connection: Connection,
  seal: Seal,
  scope: JobScope<RejectedFilter>,
  after: RejectedPosition | null,
  limit: number,
): Promise<ScannedRejected[]> {
  const { rows } = await connection.query(
    `select rejected_id, event_id, last_at, octet_length(sealed) as bytes, ${MATCHES} as matches from rejected_events
     where tenant_id = $1 and last_at <= $2 and (last_at, rejected_id) > ($10::timestamptz, $11::uuid)
     order by last_at, rejected_id limit $12`,
    [
      ...filterValues(seal, scope),
      after ? isoTime(after.at) : (scope.filter.since ?? '-infinity'),
      after?.id ?? '00000000-0000-0000-0000-000000000000',
      limit,
    ],
  );
  return rows.map((row) => ({
    at: row.last_at,
    id: row.rejected_id,
    eventId: row.event_id,
    matches: row.matches,
    bytes: row.bytes,
  }));
}

/** Returns the matching rejected events among the newest MAX_GROUPED_ROWS, newest first. */
export async function findMatchingRejected(
  connection: Connection,
  seal: Seal,
  scope: JobScope<RejectedFilter>,
  limit: number,
): Promise<{ readonly id: string; readonly bytes: number }[]> {
  const { rows } = await connection.query<{ id: string; bytes: number }>(
    `select rejected_id as id, bytes from (
       select rejected_id, octet_length(sealed) as bytes, code, path, event_type, user_hash, last_at, source
       from rejected_events where tenant_id = $1 and last_at <= $2
       order by last_at desc, rejected_id desc limit ${MAX_GROUPED_ROWS}
     ) as rejected_events
     where ${MATCHES} order by last_at desc, rejected_id desc limit $10`,
    [...filterValues(seal, scope), limit],
  );
  return rows;
}

/** Opens these rejected events as received. Those that do not exist are left out. */
export async function openManyRejected(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  ids: readonly string[],
): Promise<{ readonly id: string; readonly item: unknown }[]> {
  const { rows } = await connection.query<{ rejected_id: string; sealed: Buffer }>(
    'select rejected_id, sealed from rejected_events where tenant_id = $1 and rejected_id = any($2::uuid[])',
    [tenantId, ids],
  );
  return rows.map(({ rejected_id: id, sealed }) => ({
    id,
    item: JSON.parse(seal.open(sealed, rejectedAad(tenantId, id))) as unknown,
  }));
}

/** Deletes these rejected events. Returns how many existed. @param until only those last rejected up to then; null: any */
export async function deleteRejected(
  connection: Connection,
  tenantId: string,
  ids: readonly string[],
  until: Millis | null,
): Promise<number> {
  const { rowCount } = await connection.query(
    `delete from rejected_events
     where tenant_id = $1 and rejected_id = any($2::uuid[]) and ($3::timestamptz is null or last_at <= $3)`,
    [tenantId, ids, isoTimeOrNull(until)],
  );
  return rowCount ?? 0;
}

/** Counts matching events among the newest MAX_GROUPED_ROWS, by event type, code and path. */
export async function previewRejected(
  connection: Connection,
  seal: Seal,
  scope: JobScope<RejectedFilter>,
  maxGroups: number,
): Promise<JobPreview> {
  const { rows } = await connection.query(
    `with scanned as materialized (
       select rejected_id, event_id, code, path, message, last_at, event_type, source,
              ${MATCHES} as matches
       from (
         select rejected_id, event_id, event_type, code, path, message, last_at, user_hash, source
         from rejected_events
         where tenant_id = $1 and last_at <= $2
         order by last_at desc, rejected_id desc limit ${MAX_GROUPED_ROWS}
       ) as rejected_events
     ), grouped as (
       select event_type, code, path, count(*) as n, max(message) as message, max(last_at) as last_at,
              (array_agg(distinct source) filter (where source is not null))[:${MAX_SOURCES}] as sources
       from scanned where matches group by event_type, code, path
     ), sample as (
       select json_build_object('rejected_id', rejected_id, 'event_id', event_id, 'event_type', event_type, 'code', code,
                                'path', path, 'message', message) as s
       from scanned where matches limit ${MAX_PREVIEW_SAMPLE}
     )
     select (select count(*) from scanned) as scanned, (select coalesce(sum(n), 0)::bigint from grouped) as count,
            (select json_agg(json_build_object('event_type', event_type, 'code', code, 'path', path, 'message', message,
                                               'sources', coalesce(sources, '{}'), 'last_at', to_char(last_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'count', n))
             from (select * from grouped order by n desc, last_at desc limit $10) as top) as groups,
            (select json_agg(s) from sample) as sample`,
    [...filterValues(seal, scope), maxGroups],
  );
  const { scanned, count, groups, sample } = rows[0] as {
    scanned: number;
    count: number;
    groups: JsonObject[] | null;
    sample: JsonObject[] | null;
  };
  return { count, isAtLeast: scanned >= MAX_GROUPED_ROWS, groups: groups ?? [], sample: sample ?? [] };
}

/** The filter over a row of rejected_events; parameters as in `filterValues`. */
const MATCHES = `(
  ($3::text is null or code = $3) and ($4::text is null or path = $4)
  and ($5::text is null or event_type = $5) and ($6::text is null or user_hash = $6)
  and ($7::timestamptz is null or last_at >= $7) and ($8::timestamptz is null or last_at < $8)
  and ($9::text is null or source = $9))`;

/** Returns the parameters $1 to $9 of the statements above. */
function filterValues(seal: Seal, { tenantId, filter, startedAt }: JobScope<RejectedFilter>): unknown[] {
  return [
    tenantId,
    isoTime(startedAt),
    filter.code ?? null,
    filter.path ?? null,
    filter.event_type ?? null,
    filter.user_id === undefined ? null : toUserHash(seal, tenantId, filter.user_id),
    filter.since ?? null,
    filter.until ?? null,
    filter.source ?? null,
  ];
}
