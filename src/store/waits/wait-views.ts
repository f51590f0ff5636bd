import type pg from 'pg';
import type { Decision, WaitKind, WaitStatus } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import type { JobPreview } from '../../model/job.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { unpackDecisions } from '../decisions.ts';
import { queryPage } from '../pg/bounded-page.ts';

/** A wait as the API shows it. Times are ISO 8601 in UTC. */
export interface WaitView {
  readonly wait_id: string;
  readonly user_id: string;
  readonly rule: string;
  readonly key: string | null;
  readonly kind: WaitKind;
  readonly status: WaitStatus;
  readonly catalog_version: number;
  /** The last failed attempt to fire it; null: none has failed. */
  readonly failure: WaitFailureView | null;
  /** The event that the notification is about; the latest one of a burst. */
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly due_at: string;
  readonly began_at: string;
  readonly ended_at: string | null;
  /** Id of the event that ended it; null: no event did. */
  readonly ended_by: string | null;
  /** Number of items in a digest; null for other kinds. */
  readonly items: number | null;
  /** Decisions of its end. If an event ended it, they are on that event. */
  readonly decisions: readonly Decision[];
}

/** A failed attempt to fire a wait. */
export interface WaitFailureView {
  /** Failed attempts since it began, was changed or retried. */
  readonly attempts: number;
  readonly reason: string;
  /** When it is tried again; null: it is set aside. */
  readonly retry_at: string | null;
  /** When it was set aside, until a command retries it; null: it is tried again. */
  readonly set_aside_at: string | null;
}

export interface WaitFilter {
  readonly userId?: string | undefined;
  readonly rule?: string | undefined;
  /** Value of the key of their rule. */
  readonly key?: string | undefined;
  readonly status?: WaitStatus | undefined;
  /** True: only those that are set aside. */
  readonly isSetAside?: boolean | undefined;
}

/** A position in the list. */
export interface WaitCursor {
  readonly beganAt: Millis;
  readonly waitId: string;
}

/** Waits that a request looks at, matching or not. */
export const MAX_EXAMINED_WAITS = 20_000;

/**
 * Returns waits, newest first. Fewer than `limit`, although the list goes on, if the newest MAX_EXAMINED_WAITS have no more that match;
 * of pending ones all are looked at, unless there are more.
 * @param before only waits after this position; null: from the newest
 * @returns `last`: the position after which the list goes on, which may be that of one that did not match; null: this is the end
 */
export async function listWaits(
  pool: pg.Pool,
  tenantId: string,
  filter: WaitFilter,
  limit: number,
  before: WaitCursor | null,
): Promise<{ waits: WaitView[]; last: WaitCursor | null }> {
  const { userId, rule, key, status } = filter;
  const values: unknown[] = [
    tenantId,
    before ? isoTime(before.beganAt) : 'infinity',
    before?.waitId ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ];
  const examined = `waits where tenant_id = $1 and (began_at, wait_id) < ($2::timestamptz, $3::uuid)
    and ${await findIndexed(pool, tenantId, filter, values)} order by began_at desc, wait_id desc`;
  const span = [...values];
  const filters = [
    ['user_id', userId],
    ['rule', rule],
    ['key', key],
    ['status', status],
  ] as const;
  const matches = filters.flatMap(([column, value]) =>
    value === undefined ? [] : [`${column} = $${values.push(value)}`],
  );
  const { rows, more } = await queryPage(pool, {
    select: `select wait_id, user_id, rule, key, kind, status, catalog_version, trigger_time, due_at, began_at, ended_at,
            attempts, failure, retry_at, set_aside_at,
            state #>> '{trigger,eventId}' as event_id, state #>> '{trigger,type}' as event_type,
            state #>> '{endedBy,event_id}' as ended_by, (state ->> 'total')::int as items, decisions
     from (select * from ${examined} limit ${MAX_EXAMINED_WAITS}) as waits
     ${matches.length > 0 ? `where ${matches.join(' and ')}` : ''}
     order by began_at desc, wait_id desc limit $${values.push(limit)}`,
    values,
    limit,
    order: 'began_at desc, wait_id desc',
    texts: ['decisions'],
  });
  const waits = rows.map(toWaitView);
  if (more) return { waits, last: toCursor(rows.at(-1)) };
  // Without a filter, a short page is the last one.
  return { waits, last: matches.length > 0 ? await findEnd(pool, examined, span) : null };
}

/**
 * Returns a condition that an index has, so that what is read does not grow with all that a tenant has: the waits of a key or of a user,
 * those that are set aside or pending, or else the newest. Adds its parameters to `values`.
 */
async function findIndexed(
  pool: pg.Pool,
  tenantId: string,
  { userId, rule, key, status, isSetAside }: WaitFilter,
  values: unknown[],
): Promise<string> {
  if (isSetAside) return 'set_aside_at is not null';
  if (key !== undefined) return `key = $${values.push(key)} and key <> ''`;
  if (userId !== undefined) return `user_id = $${values.push(userId)}`;
  if (status === 'waiting' && (await hasFewPending(pool, tenantId, rule))) {
    return rule === undefined ? PENDING : `${PENDING} and rule = $${values.push(rule)}`;
  }
  return `began_at > '-infinity'`;
}

/** Whether no more waits are pending, of a rule or of all, than a request looks at. */
async function hasFewPending(pool: pg.Pool, tenantId: string, rule: string | undefined): Promise<boolean> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from (
       select from waits where tenant_id = $1 and ${PENDING} ${rule === undefined ? '' : 'and rule = $2'}
       limit ${MAX_EXAMINED_WAITS + 1}) as pending`,
    [tenantId, ...(rule === undefined ? [] : [rule])],
  );
  return (rows[0]?.n ?? 0) <= MAX_EXAMINED_WAITS;
}

/** The condition of the index waits_rule, which only statements about rules name. */
const PENDING = `status = 'waiting' and catalog_version > 0`;

/** Returns the position of the last wait that was looked at; null: there are no more after it. */
async function findEnd(pool: pg.Pool, examined: string, span: readonly unknown[]): Promise<WaitCursor | null> {
  const { rows } = await pool.query(
    `select began_at, wait_id from ${examined} offset ${MAX_EXAMINED_WAITS - 1} limit 1`,
    [...span],
  );
  return toCursor(rows[0]);
}

// biome-ignore lint/suspicious/noExplicitAny: a row with the columns of the position
function toCursor(row: any): WaitCursor | null {
  return row === undefined ? null : { beganAt: row.began_at, waitId: row.wait_id };
}

// biome-ignore lint/suspicious/noExplicitAny: a row of the statement above, named column by column
function toWaitView(found: any): WaitView {
  const { trigger_time, due_at, began_at, ended_at, decisions, attempts, failure, retry_at, set_aside_at, ...row } =
    found;
  return {
    ...row,
    key: row.key === '' ? null : row.key,
    failure: failure && { attempts, reason: failure, ...toNextAttempt(retry_at, set_aside_at) },
    event_timestamp: isoTime(trigger_time),
    due_at: isoTime(due_at),
    began_at: isoTime(began_at),
    ended_at: isoTimeOrNull(ended_at),
    decisions: decisions === null ? [] : unpackDecisions(decisions, row.wait_id, row.event_id),
  };
}

function toNextAttempt(
  retryAt: Millis | null,
  setAsideAt: Millis | null,
): Pick<WaitFailureView, 'retry_at' | 'set_aside_at'> {
  return {
    retry_at: isoTimeOrNull(retryAt),
    set_aside_at: isoTimeOrNull(setAsideAt),
  };
}

/** Waits that a preview counts. */
const MAX_PREVIEW_WAITS = 100_000;
const MAX_PREVIEW_SAMPLE = 5;

/** Counts the pending waits of a rule, up to MAX_PREVIEW_WAITS, by catalog version, with some of those due first. */
export async function previewWaits(pool: pg.Pool, tenantId: string, rule: string): Promise<JobPreview> {
  const { rows: groups } = await pool.query<{ rule: string; catalog_version: number; count: number }>(
    `select $2 as rule, catalog_version, count(*) as count
     from (
       select catalog_version from waits where tenant_id = $1 and status = 'waiting' and rule = $2
       limit ${MAX_PREVIEW_WAITS}
     ) as found
     group by catalog_version order by catalog_version`,
    [tenantId, rule],
  );
  const { rows: sample } = await pool.query(
    `select wait_id, user_id, kind, due_at, catalog_version from waits
     where tenant_id = $1 and status = 'waiting' and rule = $2 limit ${MAX_PREVIEW_SAMPLE}`,
    [tenantId, rule],
  );
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  return {
    count,
    isAtLeast: count >= MAX_PREVIEW_WAITS,
    groups,
    sample: sample.map((row) => ({ ...row, due_at: isoTime(row.due_at) })),
  };
}
