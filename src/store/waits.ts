import type pg from 'pg';
import { jsonText } from '../events/content.ts';
import type { Decision, WaitKind } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Wait, WaitLookup, WaitState } from '../rules/facts.ts';
import { clampToEventYears } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { packDecisions } from './decisions.ts';
import { claimStatement } from './pg/claim.ts';
import { packTextArray } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';

/** Rules that wait, as they are stored; see the state diagram in sql/000001.sql. */

/** Heard by timer workers when something is due soon. */
export const TIMERS_CHANNEL = 'tidings_timers';

/** What is due later than this after it was written need not be announced: workers look more often. In milliseconds. */
export const ANNOUNCE_AHEAD_MS = 60_000;

/** Open waits of one person that are looked at; those due first. */
const MAX_OPEN = 2000;

/** What these hold, in bytes, and what is claimed at a time; the first one counts whatever it holds. */
const MAX_STATE = 16 * 1024 * 1024;

/** Ended waits of one rule and key that are looked at; the latest. */
const MAX_ENDED = 20;

/** All open waits of these people, and the latest ended ones of the rules and keys asked for; none twice. */
export async function loadWaits(
  connection: Connection,
  query: {
    readonly tenantId: string;
    /** Distinct. */
    readonly userIds: readonly string[];
    readonly needs: readonly { readonly userId: string; readonly need: WaitLookup }[];
  },
): Promise<Wait[]> {
  const { tenantId, userIds } = query;
  const needs = new Map(query.needs.map((one) => [packTextArray([one.userId, one.need.rule, one.need.key]), one]));
  const asked = [...needs.values()];
  const { rows } = await connection.query<WaitRow>({
    name: 'load-waits',
    text: LOAD,
    values: [
      tenantId,
      packTextArray(userIds),
      packTextArray(asked.map(({ userId }) => userId)),
      packTextArray(asked.map(({ need }) => need.rule)),
      // A list of one empty text would be the empty list.
      packTextArray(asked.map(({ need }) => `=${need.key}`)),
    ],
  });
  return rows.map(waitOf);
}

/** Those that there are of these, open or ended. */
export async function loadWaitsById(
  connection: Connection,
  tenantId: string,
  asked: readonly { readonly userId: string; readonly waitId: string }[],
): Promise<Wait[]> {
  const { rows } = await connection.query<WaitRow>({
    name: 'load-waits-by-id',
    text: `select w.* from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::uuid[]) as q(user_id, wait_id)
           cross join lateral (
             select ${COLUMNS} from waits where tenant_id = $1 and user_id = q.user_id and wait_id = q.wait_id limit 1
           ) as w`,
    values: [
      tenantId,
      packTextArray(asked.map(({ userId }) => userId)),
      packTextArray(asked.map(({ waitId }) => waitId)),
    ],
  });
  return rows.map(waitOf);
}

/** The open ones of one rule. */
export async function loadWaitsIn(
  connection: Connection,
  tenantId: string,
  rule: string,
  userIds: readonly string[],
): Promise<Wait[]> {
  const { rows } = await connection.query<WaitRow>({
    name: 'load-waits-in',
    text: `select w.* from unnest(string_to_array($3, E'\\x1f')) as q(user_id)
           cross join lateral (
             select ${COLUMNS} from waits
             where tenant_id = $1 and user_id = q.user_id and status = 'waiting' and rule = $2
             order by due_at limit ${MAX_OPEN}
           ) as w`,
    values: [tenantId, rule, packTextArray(userIds)],
  });
  return rows.map(waitOf);
}

/** A wait to write, with what was decided when it ended; no decisions: an event ended it, and has them. */
export interface WaitWrite {
  readonly wait: Wait;
  readonly decisions: readonly Decision[];
}

/**
 * Writes what is new or changed, in one statement. Strict both ways: the same wait cannot begin twice (23505), and one
 * that has ended cannot change (40001); the transaction is then run again on what is stored by then.
 */
export async function writeWaits(
  connection: Connection,
  tenantId: string,
  waits: readonly WaitWrite[],
  now: Millis,
): Promise<void> {
  if (waits.length === 0) return;
  // A name of its own: the driver does not know of what a round trip has prepared on its connection.
  await connection.query({ ...writeWaitsStatement(tenantId, waits, now), name: 'write-waits-alone' });
}

/** The statement of `writeWaits`, for a caller that sends several together. */
export function writeWaitsStatement(
  tenantId: string,
  waits: readonly WaitWrite[],
  now: Millis,
): { name: string; text: string; values: string[] } {
  const rows = waits.map(({ wait }) => ({
    n: wait.stored === 'new',
    u: wait.userId,
    w: wait.waitId,
    r: wait.rule,
    k: wait.key,
    i: wait.kind,
    v: wait.catalogVersion,
    s: wait.status,
    t: isoTime(clampToEventYears(wait.triggerTime)),
    d: isoTime(clampToEventYears(wait.dueAt)),
    b: isoTime(wait.beganAt),
    e: wait.endedAt === null ? null : isoTime(wait.endedAt),
    j: wait.state as unknown as JsonObject,
  }));
  // Decisions are text already.
  const texts = rows.map((row, place) => {
    const { wait, decisions } = waits[place] as WaitWrite;
    const text = jsonText(row);
    if (wait.status === 'waiting' || decisions.length === 0) return text;
    return `${text.slice(0, -1)},"x":${packDecisions(decisions, wait.state.trigger.eventId)}}`;
  });
  return {
    name: 'write-waits',
    text: WRITE,
    values: [tenantId, isoTime(now + ANNOUNCE_AHEAD_MS), `[${texts.join(',')}]`],
  };
}

/** Somebody whose time has come. */
export interface DueUser {
  readonly tenantId: string;
  readonly userId: string;
  /** When the first of their waits was due. */
  readonly dueAt: Millis;
}

/**
 * The people of the waits that have been due longest, at most `limit` waits, and so many that MAX_STATE holds them. Other
 * workers leave them alone until `until`; should this one die, they are taken again.
 */
export async function claimDueWaits(pool: pg.Pool, now: Millis, until: Millis, limit: number): Promise<DueUser[]> {
  const { rows } = await pool.query<{ tenant_id: string; user_id: string; due_at: Millis }>({
    name: 'claim-due-waits',
    text: CLAIM,
    values: [isoTime(now), isoTime(until), limit],
  });
  return rows.map((row) => ({ tenantId: row.tenant_id, userId: row.user_id, dueAt: row.due_at }));
}

/** When the next wait that nobody has claimed is due; null: nothing waits. */
export async function loadNextWaitDue(pool: pg.Pool): Promise<Millis | null> {
  const { rows } = await pool.query<{ due_at: Millis }>({
    name: 'next-wait-due',
    text: `select due_at from waits where ${QUEUED} and claimed_until is null order by due_at limit 1`,
  });
  return rows[0]?.due_at ?? null;
}

/** How many wait in each rule (these, or all), in order of name. Looks at all that is open: seconds for a million. */
export async function countWaiting(
  pool: pg.Pool,
  tenantId: string,
  rules?: readonly string[],
): Promise<{ rule: string; users: number; waits: number }[]> {
  if (rules?.length === 0) return [];
  const { rows } = await pool.query<{ rule: string; users: number; waits: number }>(
    `select rule, count(*) as users, sum(n)::bigint as waits
     from (
       select rule, user_id, count(*) as n from waits
       where tenant_id = $1 and status = 'waiting' and ($2::text[] is null or rule = any($2))
       group by user_id, rule
     ) as people
     group by rule order by rule`,
    [tenantId, rules ?? null],
  );
  return rows;
}

/** People who wait in a rule, in order of id. @param after only those after this one */
export async function usersWaitingIn(
  connection: Connection,
  tenantId: string,
  rule: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await connection.query<{ user_id: string }>({
    name: 'users-waiting-in',
    text: `select distinct user_id from waits
           where tenant_id = $1 and status = 'waiting' and user_id > $2 and rule = $3 order by user_id limit $4`,
    values: [tenantId, after, rule, limit],
  });
  return rows.map((row) => row.user_id);
}

/**
 * Those of this kind end by this version instead, when they were due; others are left as they are. The people must be
 * locked. Returns how many were changed and how many left.
 */
export async function moveWaits(
  connection: Connection,
  tenantId: string,
  rule: string,
  userIds: readonly string[],
  to: { readonly version: number; readonly kind: WaitKind | undefined },
): Promise<{ changed: number; skipped: number }> {
  const open = `tenant_id = $1 and rule = $2 and user_id = any($3::text[]) and status = 'waiting' and catalog_version <> $4`;
  const values = [tenantId, rule, userIds, to.version];
  const { rowCount } = await connection.query(`update waits set catalog_version = $4 where ${open} and kind = $5`, [
    ...values,
    to.kind ?? '',
  ]);
  const { rows } = await connection.query<{ skipped: number }>(
    `select count(*) as skipped from waits where ${open}`,
    values,
  );
  return { changed: rowCount ?? 0, skipped: rows[0]?.skipped ?? 0 };
}

// ---------------------------------------------------------------------------------------------------------------------

const COLUMNS = `user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, ended_at, state`;

/** Names the index waits_due, which nothing else may take; see sql/000001.sql. */
const QUEUED = `status = 'waiting' and due_at > '-infinity'`;

/** A window: the rows that are due before. */
const EARLIER = 'order by due_at rows between unbounded preceding and 1 preceding';

/** Look-ups only, each by an index and bounded: see PEOPLE in facts.ts. */
const LOAD = `
select w.* from unnest(string_to_array($2, E'\\x1f')) as q(user_id)
cross join lateral (
  select ${COLUMNS} from (
    select open.*, sum(octet_length(state::text)) over (${EARLIER}) as before
    from (
      select ${COLUMNS} from waits
      where tenant_id = $1 and user_id = q.user_id and status = 'waiting'
      order by due_at limit ${MAX_OPEN}
    ) as open
  ) as sized
  where coalesce(before, 0) < ${MAX_STATE}
) as w
union all
select w.*
from unnest(string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f'), string_to_array($5, E'\\x1f')) as q(user_id, rule, key)
cross join lateral (
  select ${COLUMNS} from waits
  where tenant_id = $1 and user_id = q.user_id and rule = q.rule and key = substr(q.key, 2) and status <> 'waiting'
  order by trigger_time desc limit ${MAX_ENDED}
) as w`;

/** What has changed is written as an insert that meets its row: an update with a join may be planned as a scan of all. */
const WRITE = `
with written as materialized (
  select * from json_to_recordset($3) as r(
    n boolean, u text, w uuid, r text, k text, i text, v int, s text, t timestamptz, d timestamptz, b timestamptz,
    e timestamptz, j json, x json)
), began as (
  insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
                     ended_at, state, decisions)
  select $1, u, w, r, k, i, v, s, t, d, b, e, j, x from written where n
), changed as (
  insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
                     ended_at, state, decisions)
  select $1, u, w, r, k, i, v, s, t, d, b, e, j, x from written where not n
  on conflict (tenant_id, user_id, wait_id) do update
  set status = excluded.status, trigger_time = excluded.trigger_time, due_at = excluded.due_at,
      ended_at = excluded.ended_at, state = excluded.state, decisions = excluded.decisions, claimed_until = null
)
select pg_notify('${TIMERS_CHANNEL}', '') from written where s = 'waiting' and d <= $2 limit 1`;

const CLAIM = claimStatement({
  table: 'waits',
  dueAt: 'due_at',
  where: QUEUED,
  columns: 'tenant_id, user_id, due_at, octet_length(state::text) as size',
  among: `select * from (select found.*, sum(size) over (${EARLIER}) as before from found) as sized
          where coalesce(before, 0) < ${MAX_STATE}`,
  select: 'tenant_id, user_id, min(due_at) as due_at from due group by tenant_id, user_id order by 3',
});

interface WaitRow {
  readonly user_id: string;
  readonly wait_id: string;
  readonly rule: string;
  readonly key: string;
  readonly kind: Wait['kind'];
  readonly catalog_version: number;
  readonly status: Wait['status'];
  readonly trigger_time: Millis;
  readonly due_at: Millis;
  readonly began_at: Millis;
  readonly ended_at: Millis | null;
  readonly state: WaitState;
}

function waitOf(row: WaitRow): Wait {
  return {
    waitId: row.wait_id,
    userId: row.user_id,
    rule: row.rule,
    key: row.key,
    kind: row.kind,
    catalogVersion: row.catalog_version,
    beganAt: row.began_at,
    status: row.status,
    dueAt: row.due_at,
    triggerTime: row.trigger_time,
    state: row.state,
    endedAt: row.ended_at,
    stored: 'same',
  };
}
