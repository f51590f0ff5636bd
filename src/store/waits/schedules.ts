import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { ActiveVersion } from '../../model/release.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { type ClaimedRow, claimRows, describeQueue } from '../pg/claim.ts';
import type { Connection } from '../pg/pool.ts';
import type { QueueFloor } from '../pg/queue-floor.ts';
import { QueueLanes } from '../pg/queue-lanes.ts';

/** When scheduled rules fire next, and how far an occurrence has come with the users. */

/** Zones of users that are looked at; more than there are on Earth. */
const MAX_ZONES = 1000;

/** A scheduled rule in one zone. */
export interface Schedule {
  readonly rule: string;
  readonly zone: string;
  /** Five cron fields. */
  readonly cron: string;
}

/** Returns the active catalog versions of each tenant that has one. */
export async function loadActiveVersions(pool: pg.Pool): Promise<Map<string, ActiveVersion>> {
  const { rows } = await pool.query<ActiveVersion & { tenant_id: string }>({
    name: 'active-catalogs',
    text: 'select tenant_id, version, release from active_catalogs',
  });
  return new Map(rows.map(({ tenant_id, version, release }) => [tenant_id, { version, release }]));
}

/** Returns the active catalog versions, 0 without one, and prevents others from becoming active until the commit. */
export async function lockActiveVersions(connection: Connection, tenantId: string): Promise<ActiveVersion> {
  const { rows } = await connection.query<ActiveVersion>(
    'select version, release from active_catalogs where tenant_id = $1 for share',
    [tenantId],
  );
  return rows[0] ?? { version: 0, release: null };
}

/** A schedule as it is stored. */
export interface StoredSchedule extends Schedule {
  readonly nextAt: Millis;
  /** Whether its occurrence is under way. */
  readonly isUnderWay: boolean;
}

export async function loadSchedules(connection: Connection, tenantId: string): Promise<StoredSchedule[]> {
  const { rows } = await connection.query<StoredSchedule>(
    `select rule, zone, cron, next_at as "nextAt", cursor is not null as "isUnderWay" from schedules where tenant_id = $1`,
    [tenantId],
  );
  return rows;
}

/** A schedule, and how far its occurrence has come. */
export interface ScheduleState extends Schedule {
  readonly nextAt: Millis;
  /** The last user that the occurrence has fired for; null: it has not started. */
  readonly cursor: string | null;
}

/** Returns the schedules of these rules in these zones. */
export async function loadScheduleStates(
  connection: Connection,
  tenantId: string,
  rules: readonly string[],
  zones: readonly string[],
): Promise<ScheduleState[]> {
  if (rules.length === 0) return [];
  const { rows } = await connection.query<ScheduleState>({
    name: 'load-schedule-states',
    text: `select s.rule, s.zone, s.cron, s.next_at as "nextAt", s.cursor
           from unnest($2::text[]) as r(rule) cross join unnest($3::text[]) as z(zone)
           cross join lateral (
             select rule, zone, cron, next_at, cursor from schedules
             where tenant_id = $1 and rule = r.rule and zone = z.zone limit 2
           ) as s`,
    values: [tenantId, rules, zones],
  });
  return rows;
}

/** Moves schedules to another time, unless they have changed since they were loaded. */
export async function moveSchedules(
  connection: Connection,
  tenantId: string,
  moved: readonly { readonly stored: StoredSchedule; readonly nextAt: Millis }[],
): Promise<void> {
  if (moved.length === 0) return;
  const rows = moved.map(({ stored, nextAt }) => ({
    r: stored.rule,
    z: stored.zone,
    c: stored.cron,
    o: isoTime(stored.nextAt),
    n: isoTime(nextAt),
  }));
  await connection.query(
    `update schedules set next_at = q.n, claimed_until = null
     from json_to_recordset($2) as q(r text, z text, c text, o timestamptz, n timestamptz)
     where tenant_id = $1 and rule = q.r and zone = q.z and cron = q.c and next_at = q.o and cursor is null`,
    [tenantId, JSON.stringify(rows)],
  );
}

export async function deleteSchedules(
  connection: Connection,
  tenantId: string,
  schedules: readonly Schedule[],
): Promise<void> {
  if (schedules.length === 0) return;
  await connection.query(
    `delete from schedules using json_to_recordset($2) as gone(rule text, zone text, cron text)
     where tenant_id = $1 and schedules.rule = gone.rule and schedules.zone = gone.zone and schedules.cron = gone.cron`,
    [tenantId, JSON.stringify(schedules.map(({ rule, zone, cron }) => ({ rule, zone, cron })))],
  );
}

/** Writes schedules. One that is there already stays as it is. */
export async function upsertSchedules(
  connection: Connection,
  tenantId: string,
  schedules: readonly (Schedule & { readonly nextAt: Millis })[],
): Promise<void> {
  if (schedules.length === 0) return;
  const rows = schedules.map(({ rule, zone, cron, nextAt }) => ({ r: rule, z: zone, c: cron, n: isoTime(nextAt) }));
  await connection.query(
    `insert into schedules (tenant_id, rule, zone, cron, next_at)
     select $1, r, z, c, n from json_to_recordset($2) as q(r text, z text, c text, n timestamptz)
     on conflict do nothing`,
    [tenantId, JSON.stringify(rows)],
  );
}

/** Progress of a schedule. */
export interface ScheduleProgress {
  /** The occurrence under way, or the next one. */
  readonly nextAt: Millis;
  /** The last user that the occurrence has fired for; null: it has not started. */
  readonly cursor: string | null;
  /** Null: any worker may continue. */
  readonly claimedUntil: Millis | null;
}

/** A claimed schedule with an occurrence that is due. */
export interface DueSchedule extends Schedule, ScheduleProgress {
  readonly tenantId: string;
  readonly claimedUntil: Millis;
}

/**
 * Claims the schedule that has been due longest; undefined: none is due. While more are due, and `floor` has lanes, it is one of
 * the tenant whose turn it is.
 * @param floor schedules that are due before it are not looked at; absent: all are
 */
export async function claimSchedule(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  floor?: QueueFloor,
): Promise<DueSchedule | undefined> {
  const [row] = await claimRows<ClaimedSchedule>(pool, QUEUE, { now, until, limit: 1 }, floor);
  return (
    row && {
      tenantId: row.tenant_id,
      rule: row.rule,
      zone: row.zone,
      cron: row.cron,
      nextAt: row.due_at,
      cursor: row.cursor,
      claimedUntil: until,
    }
  );
}

/** Returns the floor and the lanes of the queue of schedules, for one process. */
export function createScheduleLanes(): QueueLanes {
  return new QueueLanes({ name: 'find-lanes-of-schedules', table: 'schedules', dueAt: 'next_at', laneWhere: IN_LANE });
}

/** Condition of the index schedules_lanes, which no other statement may use. */
const IN_LANE = `next_at > '-infinity'`;

interface ClaimedSchedule extends ClaimedRow {
  readonly rule: string;
  readonly zone: string;
  readonly cron: string;
  readonly cursor: string | null;
}

const QUEUE = describeQueue({
  name: 'claim-schedule',
  table: 'schedules',
  dueAt: 'next_at',
  laneWhere: IN_LANE,
  columns: 'tenant_id, rule, zone, cron, next_at as due_at, cursor',
  select: 'tenant_id, rule, zone, cron, due_at, cursor from due',
});

/** The claim was lost to another worker, or to a new catalog. The transaction must be rolled back. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/** Saves the progress of a claimed schedule, in the transaction of what it reports. Throws ClaimLost. */
export async function saveSchedule(
  connection: Connection,
  claimed: DueSchedule,
  progress: ScheduleProgress,
): Promise<void> {
  const { rowCount } = await connection.query({
    name: 'save-schedule',
    text: `update schedules set next_at = $4, cursor = $5, claimed_until = $6
           where tenant_id = $1 and rule = $2 and zone = $3 and cron = $10
             and next_at = $7 and cursor is not distinct from $8 and claimed_until = $9`,
    values: [
      claimed.tenantId,
      claimed.rule,
      claimed.zone,
      isoTime(progress.nextAt),
      progress.cursor,
      isoTimeOrNull(progress.claimedUntil),
      isoTime(claimed.nextAt),
      claimed.cursor,
      isoTime(claimed.claimedUntil),
      claimed.cron,
    ],
  });
  if (rowCount !== 1) throw new ClaimLost(`the claim on the schedule of rule ${claimed.rule} was lost`);
}

/**
 * Returns when the next schedule that is not claimed is due; null: no schedule is pending.
 * @param floor schedules that are due before it are left out
 */
export async function loadNextScheduleDue(pool: pg.Pool, floor?: QueueFloor): Promise<Millis | null> {
  const { rows } = await pool.query<{ next_at: Millis }>({
    name: 'next-schedule-due',
    text: 'select next_at from schedules where next_at >= $1 and claimed_until is null order by next_at limit 1',
    values: [floor?.param ?? '-infinity'],
  });
  return rows[0]?.next_at ?? null;
}

/**
 * Returns ids of users in order, starting after `after`.
 * @param zone the users in this zone; UTC includes those whose zone is unknown; null: all users
 */
export async function loadUsersInZone(
  pool: pg.Pool,
  tenantId: string,
  zone: string | null,
  after: string,
  limit: number,
): Promise<string[]> {
  // An index probe for each condition: one over both would read the index from its start.
  const conditions = zone === null ? [''] : zone === 'UTC' ? ['and zone is null', 'and zone = $4'] : ['and zone = $4'];
  const parts = conditions.map(
    (condition) =>
      `(select user_id from users where tenant_id = $1 ${condition} and user_id > $2 order by user_id limit $3)`,
  );
  const { rows } = await pool.query<{ user_id: string }>({
    name: `users-in-${zone === null ? 'all' : conditions.length}`,
    text: `select user_id from (${parts.join(' union all ')}) as found order by user_id limit $3`,
    values: [tenantId, after, limit, ...(zone === null ? [] : [zone])],
  });
  return rows.map((row) => row.user_id);
}

/** Returns the zones that users are in, in order; one index probe each. Users whose zone is unknown are not among them. */
export async function loadUserZones(connection: Connection, tenantId: string): Promise<string[]> {
  const { rows } = await connection.query<{ zone: string }>(
    `with recursive zones as (
       (select zone from users where tenant_id = $1 and zone is not null order by zone limit 1)
       union all
       select (select u.zone from users as u where u.tenant_id = $1 and u.zone > z.zone order by u.zone limit 1)
       from zones as z where z.zone is not null
     )
     select zone from zones where zone is not null limit ${MAX_ZONES}`,
    [tenantId],
  );
  return rows.map(({ zone }) => zone);
}
