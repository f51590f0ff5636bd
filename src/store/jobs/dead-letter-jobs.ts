import { parseGroupId, toStoredGroup } from '../../model/dead-letter.ts';
import type { AddressKind, JsonObject, Millis } from '../../model/event.ts';
import type { DeadLetterFilter, JobPreview, JobScope } from '../../model/job.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { LetterPosition } from '../deliveries/dead-letters.ts';
import type { Connection } from '../pg/pool.ts';

/** Dead letters that a job retries and cancels: pages of one group in the order of their index. */

/** Rows that a preview looks at. */
const MAX_PREVIEW_ROWS = 100_000;
const MAX_PREVIEW_GROUPS = 20;
const MAX_PREVIEW_SAMPLE = 5;

export interface FoundLetter extends LetterPosition {
  readonly type: string;
}

/**
 * Returns dead letters of the group that failed before the job was started, the earliest first. What a job has retried and
 * fails again comes after its start.
 */
export async function scanDeadLetters(
  connection: Connection,
  scope: JobScope<DeadLetterFilter>,
  after: LetterPosition | null,
  limit: number,
): Promise<FoundLetter[]> {
  const { rows } = await connection.query(
    `select finished_at, notification_id, channel, target, notification_type from deliveries
     where ${OF_JOB} and (finished_at, notification_id, channel, target) > ($6::timestamptz, $7::uuid, $8::text, $9::text)
     order by tenant_id, dead_letter, finished_at, notification_id, channel, target limit $10`,
    [
      ...filterValues(scope),
      after ? isoTime(after.finishedAt) : '-infinity',
      after?.notificationId ?? '00000000-0000-0000-0000-000000000000',
      after?.channel ?? '',
      after?.target ?? '',
      limit,
    ],
  );
  return rows.map((row) => ({
    finishedAt: row.finished_at,
    notificationId: row.notification_id,
    channel: row.channel,
    target: row.target,
    type: row.notification_type,
  }));
}

/**
 * Queues these dead letters again, if they are still in the group. Returns how many. The group is no condition of an index, and the
 * tenant comes with the rows: a planner that knows nothing of a table that has just grown would otherwise begin with all of the group.
 * @param retryFor in ms, of each of them
 */
export async function retryDeadLetters(
  connection: Connection,
  scope: JobScope<DeadLetterFilter>,
  letters: readonly FoundLetter[],
  retryFor: readonly Millis[],
  now: Millis,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update deliveries as d
     set status = 'queued', due_at = $6, retry_until = r.until, finished_at = null, dead_letter = null, hold_code = null,
         reason_code = 'retried', reason = 'Queued again by hand.'
     from (select *, $1::text as t
           from unnest($3::uuid[], $4::text[], $5::text[], $7::timestamptz[]) as r(n, c, g, until) offset 0) as r
     where d.tenant_id = r.t and (d.dead_letter = $2) is true and d.notification_id = r.n and d.channel = r.c and d.target = r.g
       and d.status in ('undeliverable', 'dead', 'in_doubt')`,
    [...keyValues(scope, letters), isoTime(now), retryFor.map((ms) => isoTime(now + ms))],
  );
  return rowCount ?? 0;
}

/** Cancels these dead letters for good, if they are still in the group. Returns how many. */
export async function cancelDeadLetters(
  connection: Connection,
  scope: JobScope<DeadLetterFilter>,
  letters: readonly FoundLetter[],
): Promise<number> {
  const { rowCount } = await connection.query(
    `update deliveries as d
     set status = 'cancelled', dead_letter = null, reason_code = 'cancelled',
         reason = 'Cancelled by hand; it was ' || d.status || coalesce(': ' || d.reason, '.')
     from (select *, $1::text as t
           from unnest($3::uuid[], $4::text[], $5::text[]) as r(n, c, g) offset 0) as r
     where d.tenant_id = r.t and (d.dead_letter = $2) is true and d.notification_id = r.n and d.channel = r.c and d.target = r.g`,
    keyValues(scope, letters),
  );
  return rowCount ?? 0;
}

/** The address that a dead letter went to. */
export interface LetterAddress extends Pick<LetterPosition, 'notificationId' | 'channel' | 'target'> {
  readonly hash: string;
  readonly mask: string;
  readonly reasonCode: string | null;
  readonly reason: string | null;
}

/**
 * Returns the addresses to which these dead letters went, each once. No address is kept with a message, so it is the one that receives
 * the messages of its user, unless that has changed since the failure.
 * @param kind of the addresses of their channel
 */
export async function findLetterAddresses(
  connection: Connection,
  tenantId: string,
  kind: AddressKind,
  letters: readonly FoundLetter[],
): Promise<LetterAddress[]> {
  const { rows } = await connection.query(
    `select distinct on (a.hash) d.notification_id, d.channel, d.target, a.hash, a.mask, d.reason_code, d.reason
     from unnest($3::uuid[], $4::text[], $5::text[]) as l(n, c, g)
     join deliveries as d on d.tenant_id = $1 and d.notification_id = l.n and d.channel = l.c and d.target = l.g
     join addresses as a on a.tenant_id = $1 and a.user_id = d.user_id and a.kind = $2 and a.place = 0
       and a.hash > '' and a.updated_at <= d.finished_at
     order by a.hash, d.finished_at`,
    [
      tenantId,
      kind,
      letters.map(({ notificationId }) => notificationId),
      letters.map(({ channel }) => channel),
      letters.map(({ target }) => target),
    ],
  );
  return rows.map((row) => ({
    notificationId: row.notification_id,
    channel: row.channel,
    target: row.target,
    hash: row.hash,
    mask: row.mask,
    reasonCode: row.reason_code,
    reason: row.reason,
  }));
}

/** Counts the dead letters that a job would retry or cancel, up to MAX_PREVIEW_ROWS. */
export async function previewDeadLetters(
  connection: Connection,
  scope: JobScope<DeadLetterFilter>,
): Promise<JobPreview> {
  const { rows } = await connection.query(
    `with matching as materialized (
       select notification_id, channel, target, notification_type, user_id, status, reason_code, reason from deliveries
       where ${OF_JOB} order by tenant_id, dead_letter, finished_at, notification_id, channel, target limit ${MAX_PREVIEW_ROWS}
     ), grouped as (
       select json_build_object('notification_type', notification_type, 'channel', channel, 'status', status,
                                'reason_code', reason_code, 'count', count(*)) as g, count(*) as n
       from matching group by notification_type, channel, status, reason_code
     ), sample as (
       select json_build_object('delivery_id', concat_ws('.', notification_id, channel, nullif(target, '')), 'user_id', user_id,
                                'notification_type', notification_type, 'status', status, 'reason', reason) as s
       from matching limit ${MAX_PREVIEW_SAMPLE}
     )
     select (select count(*)::int from matching) as count,
            (select json_agg(g) from (select g from grouped order by n desc limit ${MAX_PREVIEW_GROUPS}) as top) as groups,
            (select json_agg(s) from sample) as sample`,
    filterValues(scope),
  );
  const { count, groups, sample } = rows[0] as {
    count: number;
    groups: JsonObject[] | null;
    sample: JsonObject[] | null;
  };
  return { count, isAtLeast: count >= MAX_PREVIEW_ROWS, groups: groups ?? [], sample: sample ?? [] };
}

/** Parameters as in `filterValues`. */
const OF_JOB = `tenant_id = $1 and dead_letter = $2 and dead_letter is not null and finished_at <= $3
       and finished_at >= coalesce($4::timestamptz, '-infinity') and finished_at < coalesce($5::timestamptz, 'infinity')`;

function filterValues({ tenantId, filter, startedAt }: JobScope<DeadLetterFilter>): unknown[] {
  return [tenantId, toStored(filter), isoTime(startedAt), filter.since ?? null, filter.until ?? null];
}

function keyValues({ tenantId, filter }: JobScope<DeadLetterFilter>, letters: readonly FoundLetter[]): unknown[] {
  return [
    tenantId,
    toStored(filter),
    letters.map(({ notificationId }) => notificationId),
    letters.map(({ channel }) => channel),
    letters.map(({ target }) => target),
  ];
}

/** Returns the group as it is stored; one that cannot be read has no dead letters. */
function toStored({ group }: DeadLetterFilter): string {
  const parsed = parseGroupId(group);
  return parsed ? toStoredGroup(parsed) : '';
}
