import type pg from 'pg';
import { jsonText } from '../../events/content.ts';
import { groupBy } from '../../lib/group-by.ts';
import type { Decision } from '../../model/decision.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Wait, WaitLookup, WaitState } from '../../rules/facts.ts';
import { clampToEventYears } from '../../time/calendar.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { packDecisions } from '../decisions.ts';
import type { LeftOutRow } from '../facts/fact-bytes.ts';
import { anyHeld } from '../metrics/held.ts';
import { type ClaimedRow, claimRows, describeQueue } from '../pg/claim.ts';
import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import type { QueueFloor } from '../pg/queue-floor.ts';
import { QueueLanes } from '../pg/queue-lanes.ts';
import { maskState, type StoredWait } from './wait-content.ts';

/** Waits: rules that wait for a user and key. The state diagram is in sql/000001.sql. */

/** Channel of the NOTIFY that says that a timer is due soon. */
export const TIMERS_CHANNEL = 'tidings_timers';

/** Waits that are due later than this after they were written, in ms, are not announced: workers look more often. */
export const ANNOUNCE_AHEAD_MS = 60_000;

/** Open waits of a user that are loaded; those due first. */
const MAX_OPEN_WAITS = 2000;

/**
 * Bound of the states of a user's loaded waits, and of one claim, in bytes with what is sealed. The first wait is included
 * whatever its size.
 */
const MAX_STATE_BYTES = 16 * 1024 * 1024;

/** Bound of the states of all waits that one batch loads, in bytes with what is sealed: first the open ones, those due first. */
const MAX_BATCH_STATE_BYTES = 64 * 1024 * 1024;

/** Ended waits of one user, rule and key that are loaded; the latest. */
const MAX_ENDED_WAITS = 20;

/** Waits of users, and what a bound left out of them. */
export interface LoadedWaits {
  readonly waits: readonly StoredWait[];
  readonly leftOut: readonly LeftOutRow[];
}

/**
 * Returns the open waits of these users, and the latest ended ones of the rules and keys in `needs`. Bounded by
 * MAX_OPEN_WAITS and MAX_STATE_BYTES per user, MAX_ENDED_WAITS per rule and key, and MAX_BATCH_STATE_BYTES. No wait is
 * returned twice.
 */
export async function loadWaits(
  connection: Connection,
  query: {
    readonly tenantId: string;
    /** Distinct. */
    readonly userIds: readonly string[];
    readonly needs: readonly { readonly userId: string; readonly need: WaitLookup }[];
  },
): Promise<LoadedWaits> {
  const { tenantId, userIds } = query;
  const needs = new Map(query.needs.map((one) => [packTextArray([one.userId, one.need.rule, one.need.key]), one]));
  const asked = [...needs.values()];
  const { rows } = await connection.query<WaitRow & { readonly fits: boolean }>({
    name: 'load-waits',
    text: LOAD_WAITS,
    values: [
      tenantId,
      packTextArray(userIds),
      packTextArray(asked.map(({ userId }) => userId)),
      packTextArray(asked.map(({ need }) => need.rule)),
      // With a prefix, because a packed array of one empty text is the empty array.
      packTextArray(asked.map(({ need }) => `=${need.key}`)),
    ],
  });
  const waits = rows.filter(({ fits }) => fits).map(toWait);
  return { waits, leftOut: listLeftOut(waits, rows) };
}

function listLeftOut(
  waits: readonly StoredWait[],
  rows: readonly { readonly user_id: string; readonly status: string; readonly fits: boolean }[],
): LeftOutRow[] {
  // Hardly any user has so many, so nothing is counted.
  if (waits.length === rows.length && waits.length < MAX_OPEN_WAITS) return [];
  const cut = new Set(rows.filter(({ fits }) => !fits).map(({ user_id }) => user_id));
  const leftOut: LeftOutRow[] = [];
  for (const [userId, own] of groupBy(waits, ({ userId: of }) => of)) {
    const open = own.filter(({ status }) => status === 'waiting').length;
    if (!cut.has(userId) && open < MAX_OPEN_WAITS) continue;
    const bound = cut.has(userId) ? '16 MiB of open waits' : `${MAX_OPEN_WAITS.toLocaleString('en')} open waits`;
    leftOut.push({ userId, type: '', examined: own.length, bound });
    cut.delete(userId);
  }
  for (const userId of cut) leftOut.push({ userId, type: '', examined: 0, bound: '64 MiB of waits in a batch' });
  return leftOut;
}

/** Waits that were asked for by id. */
export interface WaitsById {
  readonly waits: readonly StoredWait[];
  /** Waits beyond MAX_STATE_BYTES, without the contents of their events: not to be changed or written. */
  readonly known: readonly Wait[];
}

/** Returns those of these waits that exist, open or ended; with their contents up to MAX_STATE_BYTES, the first ones. */
export async function loadWaitsById(
  connection: Connection,
  tenantId: string,
  asked: readonly { readonly userId: string; readonly waitId: string }[],
): Promise<WaitsById> {
  const { rows } = await connection.query<WaitRow & { readonly fits: boolean }>({
    name: 'load-waits-by-id',
    text: LOAD_WAITS_BY_ID,
    values: [
      tenantId,
      packTextArray(asked.map(({ userId }) => userId)),
      packTextArray(asked.map(({ waitId }) => waitId)),
    ],
  });
  return {
    waits: rows.filter(({ fits }) => fits).map(toWait),
    known: rows.filter(({ fits }) => !fits).map(toWait),
  };
}

/**
 * Returns the user of a wait; undefined: there is no such wait. For commands only: reads the index of the list, about 100 ms
 * for a million waits.
 */
export async function findUserOfWait(
  connection: Connection,
  tenantId: string,
  waitId: string,
): Promise<string | undefined> {
  const { rows } = await connection.query<{ user_id: string }>(
    `select user_id from waits where tenant_id = $1 and wait_id = $2 and began_at > '-infinity' limit 1`,
    [tenantId, waitId],
  );
  return rows[0]?.user_id;
}

/**
 * Returns the open waits of one rule, at most MAX_OPEN_WAITS and MAX_STATE_BYTES per user, those due first; in order of user.
 * Users beyond MAX_STATE_BYTES in all are left out, each as a whole; the first is never.
 * @param userIds in order
 */
export async function loadWaitsOfRule(
  connection: Connection,
  tenantId: string,
  rule: string,
  userIds: readonly string[],
): Promise<StoredWait[]> {
  const { rows } = await connection.query<WaitRow>({
    name: 'load-waits-in',
    text: `select ${SELECTED_WAIT} from (
             select w.*, sum(size) over (order by place) - sum(size) over (partition by place) as users_before
             from unnest(string_to_array($3, E'\\x1f')) with ordinality as q(user_id, place)
             cross join lateral (
               select open.*, ${STATE_BYTES} as size, sum(${STATE_BYTES}) over (${DUE_EARLIER}) as before
               from (
                 select ${WAIT_COLUMNS} from waits
                 where tenant_id = $1 and user_id = q.user_id and status = 'waiting' and rule = $2
                 order by due_at limit ${MAX_OPEN_WAITS}
               ) as open
             ) as w
             where coalesce(before, 0) < ${MAX_STATE_BYTES}
           ) as sized
           where users_before < ${MAX_STATE_BYTES} order by user_id, due_at`,
    values: [tenantId, rule, packTextArray(userIds)],
  });
  return rows.map(toWait);
}

/** A wait to write, with the decisions of its end. Without decisions: it is open, or an event ended it and has them. */
export interface WaitWrite {
  /** Its state may have addresses, which are masked; or its contents are masked, and `sealed` keeps the originals. */
  readonly wait: Wait | StoredWait;
  /** Originals of masked contents; absent: those of the wait as it was loaded. */
  readonly sealed?: Buffer | null;
  readonly decisions: readonly Decision[];
  /** The catalog version that decided about the user when the wait was due; absent: that of the wait. */
  readonly decidedBy?: number;
}

/**
 * Writes new and changed waits in one statement, which returns when the first of those that are due soon is due. Fails if a new wait exists already
 * (23505) or a changed one has ended (40001): the transaction is then run again on the current rows.
 */
export async function writeWaits(
  connection: Connection,
  tenantId: string,
  waits: readonly WaitWrite[],
  now: Millis,
): Promise<void> {
  if (waits.length === 0) return;
  // Under another name, because the driver does not know which statements pipeline.ts has prepared on the connection.
  await connection.query({ ...writeWaitsStatement(tenantId, waits, now), name: 'write-waits-alone' });
}

/** Returns the statement of `writeWaits`, for a caller that sends several in one round trip. */
export function writeWaitsStatement(
  tenantId: string,
  waits: readonly WaitWrite[],
  now: Millis,
): { name: string; text: string; values: string[] } {
  const rows = waits.map(({ wait, decidedBy, sealed = 'sealed' in wait ? wait.sealed : null }) => ({
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
    e: isoTimeOrNull(wait.endedAt),
    j: maskState(wait.state) as unknown as JsonObject,
    z: sealed?.toString('base64') ?? null,
    ...(decidedBy === undefined || decidedBy === wait.catalogVersion ? {} : { y: decidedBy }),
  }));
  // Decisions are JSON text already.
  const texts = rows.map((row, index) => {
    const { wait, decisions } = waits[index] as WaitWrite;
    const text = jsonText(row);
    if (wait.status === 'waiting' || decisions.length === 0) return text;
    const held = anyHeld(decisions) ? ',"o":true' : '';
    return `${text.slice(0, -1)}${held},"x":${packDecisions(decisions, wait.state.trigger.eventId)}}`;
  });
  return {
    name: 'write-waits',
    text: WRITE_WAITS,
    values: [tenantId, isoTime(now + ANNOUNCE_AHEAD_MS), `[${texts.join(',')}]`],
  };
}

/** A user with a wait that is due. */
export interface DueUser {
  readonly tenantId: string;
  readonly userId: string;
  /** When the first of the claimed waits was due. */
  readonly dueAt: Millis;
}

/**
 * Claims the waits that have been due longest, at most `limit` and MAX_STATE_BYTES, and returns their users in that order. While
 * more is due, and `floor` has lanes, these are an equal share of each tenant. Other claims skip these waits until `until`.
 * @param limit at least 1
 * @param floor waits that are due before it are not looked at; absent: all are
 */
export async function claimDueWaits(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  limit: number,
  floor?: QueueFloor,
): Promise<DueUser[]> {
  const rows = await claimRows<ClaimedUser>(pool, QUEUE, { now, until, limit }, floor);
  return rows.map((row) => ({ tenantId: row.tenant_id, userId: row.user_id, dueAt: row.due_at }));
}

/** Returns the floor and the lanes of the queue of waits, for one process. */
export function createWaitLanes(): QueueLanes {
  return new QueueLanes({ name: 'find-lanes-of-waits', table: 'waits', dueAt: 'due_at', laneWhere: IN_LANE });
}

/**
 * Returns when the next wait that is not claimed is due; null: no wait is pending.
 * @param floor waits that are due before it are left out
 */
export async function loadNextWaitDue(pool: pg.Pool, floor?: QueueFloor): Promise<Millis | null> {
  const { rows } = await pool.query<{ due_at: Millis }>({
    name: 'next-wait-due',
    text: `select due_at from waits where ${IN_QUEUE} and due_at >= $1 and claimed_until is null order by due_at limit 1`,
    values: [floor?.param ?? '-infinity'],
  });
  return rows[0]?.due_at ?? null;
}

/**
 * Makes the open waits of a rule due, of these users, who must be locked; those for the absence of an event stay, and what is due or set
 * aside. Returns how many were changed, and how many wait for an absence.
 */
export async function makeDue(
  connection: Connection,
  { tenantId, rule, now }: { readonly tenantId: string; readonly rule: string; readonly now: Millis },
  userIds: readonly string[],
): Promise<{ readonly changed: number; readonly skipped: number }> {
  if (userIds.length === 0) return { changed: 0, skipped: 0 };
  const { rows } = await connection.query<{ changed: number; skipped: number }>(
    `with open as materialized (
       select w.user_id, w.wait_id, w.kind from unnest($2::text[]) as q(user_id)
       cross join lateral (
         select user_id, wait_id, kind from waits
         where tenant_id = $1 and user_id = q.user_id and status = 'waiting' and rule = $3 and due_at > $4 and set_aside_at is null
       ) as w
     ), moved as (
       update waits set due_at = $4, claimed_until = null
       from open
       where waits.tenant_id = $1 and waits.user_id = open.user_id and waits.wait_id = open.wait_id and open.kind <> 'unless'
         and waits.status = 'waiting'
       returning 1
     )
     select (select count(*)::int from moved) as changed,
            (select count(*)::int from open where kind = 'unless') as skipped`,
    [tenantId, userIds, rule, isoTime(now)],
  );
  return rows[0] ?? { changed: 0, skipped: 0 };
}

/** Returns ids of users with an open wait in a rule, in order, starting after `after`. */
export async function loadUsersWaitingFor(
  connection: Connection,
  tenantId: string,
  rule: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await connection.query<{ user_id: string }>({
    name: 'users-waiting-for',
    text: `select distinct user_id from waits
           where tenant_id = $1 and status = 'waiting' and user_id > $2 and rule = $3 order by user_id limit $4`,
    values: [tenantId, after, rule, limit],
  });
  return rows.map((row) => row.user_id);
}

// ---------------------------------------------------------------------------------------------------------------------

/** Stands for "never": a wait that is set aside. */
const NEVER = '9999-12-31 00:00:00+00';

/** When a wait may be fired after a failure; null: no attempt has failed. */
const HELD_UNTIL = `case when set_aside_at is null then retry_at else timestamptz '${NEVER}' end`;

/** Columns of a row of `waits`, and the same of a query over them. */
export const WAIT_COLUMNS = `user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, ended_at, state, sealed, ${HELD_UNTIL} as held_until`;
export const SELECTED_WAIT = WAIT_COLUMNS.replace(`${HELD_UNTIL} as `, '');

/** Condition of the index waits_due, which no other statement may use; see the conventions in sql/000001.sql. */
const IN_QUEUE = `status = 'waiting' and due_at > '-infinity' and set_aside_at is null`;

/** Condition of the index waits_lanes, which no other statement may use. */
const IN_LANE = `status = 'waiting' and trigger_time > '-infinity' and set_aside_at is null`;

/** Window of the rows that are due earlier. */
const DUE_EARLIER = 'order by due_at rows between unbounded preceding and 1 preceding';

/** Bytes of a wait in memory. */
export const STATE_BYTES = 'octet_length(state::text) + coalesce(octet_length(sealed), 0)';

/** Bounded index look-ups only, as in facts.ts. Beyond a bound a row comes without state. */
const LOAD_WAITS = `
select user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, ended_at, held_until,
       case when fits then state end as state, case when fits then sealed end as sealed, fits
from (
  select found.*, coalesce(of_user, 0) < ${MAX_STATE_BYTES} and coalesce(
      sum(bytes) over (order by status <> 'waiting', due_at, wait_id rows between unbounded preceding and 1 preceding), 0
    ) < ${MAX_BATCH_STATE_BYTES} as fits
  from (
    select w.* from unnest(string_to_array($2, E'\\x1f')) as q(user_id)
    cross join lateral (
      select open.*, sum(bytes) over (${DUE_EARLIER}) as of_user
      from (
        select ${WAIT_COLUMNS}, ${STATE_BYTES} as bytes from waits
        where tenant_id = $1 and user_id = q.user_id and status = 'waiting'
        order by due_at limit ${MAX_OPEN_WAITS}
      ) as open
    ) as w
    union all
    select w.*, 0
    from unnest(string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f'), string_to_array($5, E'\\x1f')) as q(user_id, rule, key)
    cross join lateral (
      select ${WAIT_COLUMNS}, ${STATE_BYTES} as bytes from waits
      where tenant_id = $1 and user_id = q.user_id and rule = q.rule and key = substr(q.key, 2) and status <> 'waiting'
      order by trigger_time desc limit ${MAX_ENDED_WAITS}
    ) as w
  ) as found
) as sized`;

/** State of a wait without the contents of its events. */
const STATE_WITHOUT_CONTENTS = `json_build_object(
            'trigger', json_build_object(
              'key', state #> '{trigger,key}', 'eventId', state #> '{trigger,eventId}', 'type', state #> '{trigger,type}',
              'time', state #> '{trigger,time}', 'properties', '{}'::json, 'traits', '{}'::json
            ),
            'fired', state -> 'fired', 'endedBy', state -> 'endedBy'
          )`;

const LOAD_WAITS_BY_ID = `
select user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, ended_at, held_until,
       case when fits then state else ${STATE_WITHOUT_CONTENTS} end as state, case when fits then sealed end as sealed, fits
from (
  select w.*, coalesce(sum(bytes) over (order by i rows between unbounded preceding and 1 preceding), 0) < ${MAX_STATE_BYTES} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::uuid[]) with ordinality as q(user_id, wait_id, i)
  cross join lateral (
    select ${WAIT_COLUMNS}, ${STATE_BYTES} as bytes from waits where tenant_id = $1 and user_id = q.user_id and wait_id = q.wait_id limit 1
  ) as w
) as sized`;

/**
 * Changed waits are written as an insert that conflicts with its row: an update with a join may be planned as a full scan.
 */
const WRITE_WAITS = `
with written as materialized (
  select * from json_to_recordset($3) as r(
    n boolean, u text, w uuid, r text, k text, i text, v int, s text, t timestamptz, d timestamptz, b timestamptz,
    e timestamptz, j json, z text, y int, x json, o boolean)
), began as (
  insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
                     ended_at, state, sealed, decisions, ended_version, has_held)
  select $1, u, w, r, k, i, v, s, t, d, b, e, j, decode(z, 'base64'), x, y, o from written where n
), changed as (
  insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
                     ended_at, state, sealed, decisions, ended_version, has_held)
  select $1, u, w, r, k, i, v, s, t, d, b, e, j, decode(z, 'base64'), x, y, o from written where not n
  on conflict (tenant_id, user_id, wait_id) do update
  set key = excluded.key, catalog_version = excluded.catalog_version, status = excluded.status, trigger_time = excluded.trigger_time, due_at = excluded.due_at,
      ended_at = excluded.ended_at, state = excluded.state, sealed = excluded.sealed, decisions = excluded.decisions,
      ended_version = excluded.ended_version, has_held = excluded.has_held, claimed_until = null,
      attempts = 0, failure = null, retry_at = null, set_aside_at = null
)
select min(d) as due from written where s = 'waiting' and d <= $2`;

const QUEUE = describeQueue({
  name: 'claim-due-waits',
  table: 'waits',
  dueAt: 'due_at',
  where: IN_QUEUE,
  laneWhere: IN_LANE,
  columns: 'tenant_id, user_id, due_at',
  size: { bytes: STATE_BYTES, max: MAX_STATE_BYTES },
  select: `tenant_id, user_id, min(due_at) as due_at, count(*)::int as rows, (select count(*)::int from found) as found
from due group by tenant_id, user_id order by 3`,
});

interface ClaimedUser extends ClaimedRow {
  readonly user_id: string;
}

/** A row with WAIT_COLUMNS. */
export interface WaitRow {
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
  readonly sealed: Buffer | null;
  readonly held_until: Millis | null;
}

export function toWait(row: WaitRow): StoredWait {
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
    sealed: row.sealed,
    ...(row.held_until !== null && { heldUntil: row.held_until }),
  };
}
