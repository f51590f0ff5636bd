import type pg from 'pg';
import type { Zone } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { type Connection, withTransaction } from './pg/database.ts';

/** When recurring rules act, and how far they have come with their people. */

export interface ScheduledRule {
  readonly name: string;
  /** Five cron fields. */
  readonly cron: string;
  readonly zone: Zone;
}

/** Strictly after; null: never. */
export type NextOccurrence = (cron: string, zone: string, after: Millis) => Millis | null;

/** People whose zone is new get a moment that has passed by no longer than this: their rules are looked at as often. */
export const SYNC_INTERVAL_MS = 60_000;

/** More zones than there are on Earth. */
const MAX_ZONES = 1000;

/** Tenants with a catalog, and its version. */
export async function activeCatalogs(pool: pg.Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ tenant_id: string; version: number }>({
    name: 'active-catalogs',
    text: 'select tenant_id, version from active_catalogs',
  });
  return new Map(rows.map((row) => [row.tenant_id, row.version]));
}

/**
 * Brings the rows in line with the recurring rules of a catalog version and the zones people live in. A rule that is new
 * or recurs otherwise begins with its next occurrence; one that is gone is forgotten, with the turns that are left of it.
 * False: this is not the version in force (any more), and nothing was done.
 */
export async function syncSchedules(
  pool: pg.Pool,
  tenantId: string,
  version: number,
  rules: readonly ScheduledRule[],
  next: NextOccurrence,
  now: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    // Nobody applies another catalog meanwhile.
    const { rows: active } = await connection.query<{ version: number }>(
      'select version from active_catalogs where tenant_id = $1 for share',
      [tenantId],
    );
    if ((active[0]?.version ?? 0) !== version) return false;
    const { rows: stored } = await connection.query<{ rule: string; zone: string; cron: string }>(
      'select rule, zone, cron from schedules where tenant_id = $1',
      [tenantId],
    );
    if (stored.length === 0 && rules.length === 0) return true;
    const zones = rules.some(({ zone }) => zone === 'user') ? await userZones(connection, tenantId) : [];
    const known = new Map(stored.map(({ rule, zone, cron }) => [nameOf(rule, zone), cron]));
    const crons = new Map(stored.map(({ rule, cron }) => [rule, cron]));
    const kept = new Set<string>();
    const written: object[] = [];
    for (const { name, cron, zone: ruleZone } of rules) {
      for (const zone of ruleZone === 'user' ? zones : [ruleZone]) {
        const nextAt = next(cron, zone, crons.get(name) === cron ? now - SYNC_INTERVAL_MS : now);
        if (nextAt === null) continue;
        kept.add(nameOf(name, zone));
        if (known.get(nameOf(name, zone)) !== cron) written.push({ r: name, z: zone, c: cron, n: isoTime(nextAt) });
      }
    }
    const gone = [...known.keys()].filter((name) => !kept.has(name));
    if (gone.length > 0) {
      await connection.query(
        `delete from schedules where tenant_id = $1 and rule || E'\\x1f' || zone = any($2::text[])`,
        [tenantId, gone],
      );
    }
    if (written.length > 0) {
      await connection.query(
        `insert into schedules (tenant_id, rule, zone, cron, next_at)
         select $1, r, z, c, n from json_to_recordset($2) as q(r text, z text, c text, n timestamptz)
         on conflict (tenant_id, rule, zone) do update
         set cron = excluded.cron, next_at = excluded.next_at, cursor = null, claimed_until = null
         where schedules.cron <> excluded.cron`,
        [tenantId, JSON.stringify(written)],
      );
    }
    return true;
  });
}

/** A recurrence whose time has come, held until `claimedUntil`. */
export interface DueSchedule {
  readonly tenantId: string;
  readonly rule: string;
  readonly zone: string;
  readonly cron: string;
  /** The first occurrence whose turns are not all taken. */
  readonly nextAt: Millis;
  /** The last person who had the turn of that occurrence; null: nobody yet. */
  readonly cursor: string | null;
  readonly claimedUntil: Millis;
}

/** The one that has been due longest. Should this worker die, it is taken again, from where it was saved. */
export async function claimSchedule(pool: pg.Pool, now: Millis, until: Millis): Promise<DueSchedule | undefined> {
  const { rows } = await pool.query({
    name: 'claim-schedule',
    text: `with due as materialized (
             select ctid as place, tenant_id, rule, zone, cron, next_at, cursor from schedules
             where next_at <= $1 and (claimed_until is null or claimed_until < $1)
             order by next_at limit 1
             for update skip locked
           ), claimed as (
             update schedules set claimed_until = $2 where ctid = any (array(select place from due))
           )
           select tenant_id, rule, zone, cron, next_at, cursor from due`,
    values: [isoTime(now), isoTime(until)],
  });
  const row = rows[0];
  return (
    row && {
      tenantId: row.tenant_id,
      rule: row.rule,
      zone: row.zone,
      cron: row.cron,
      nextAt: row.next_at,
      cursor: row.cursor,
      claimedUntil: until,
    }
  );
}

/** The claim was lost to another worker, or to a new catalog: whatever was done for it is to be undone. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/**
 * In the transaction of the turns it tells of: how far it has come, or when it is due again.
 * @param claimedUntil null: anybody may go on. Throws ClaimLost.
 */
export async function saveSchedule(
  connection: Connection,
  held: DueSchedule,
  to: { readonly nextAt: Millis; readonly cursor: string | null; readonly claimedUntil: Millis | null },
): Promise<void> {
  const { rowCount } = await connection.query({
    name: 'save-schedule',
    text: `update schedules set next_at = $4, cursor = $5, claimed_until = $6
           where tenant_id = $1 and rule = $2 and zone = $3
             and next_at = $7 and cursor is not distinct from $8 and claimed_until = $9`,
    values: [
      held.tenantId,
      held.rule,
      held.zone,
      isoTime(to.nextAt),
      to.cursor,
      to.claimedUntil === null ? null : isoTime(to.claimedUntil),
      isoTime(held.nextAt),
      held.cursor,
      isoTime(held.claimedUntil),
    ],
  });
  if (rowCount !== 1) throw new ClaimLost(`rule ${held.rule} is no longer ours`);
}

/** When the next recurrence that nobody has claimed is due; null: there is none. */
export async function loadNextScheduleDue(pool: pg.Pool): Promise<Millis | null> {
  const { rows } = await pool.query<{ next_at: Millis }>({
    name: 'next-schedule-due',
    text: 'select next_at from schedules where claimed_until is null order by next_at limit 1',
  });
  return rows[0]?.next_at ?? null;
}

/**
 * People in order of id, after `after`.
 * @param zone only those who live in it; of UTC also those whose zone is unknown; null: everybody
 */
export async function usersInZone(
  pool: pg.Pool,
  tenantId: string,
  zone: string | null,
  after: string,
  limit: number,
): Promise<string[]> {
  const where = zone === null ? [''] : zone === 'UTC' ? ['and zone is null', 'and zone = $4'] : ['and zone = $4'];
  const parts = where.map(
    (which) => `(select user_id from users where tenant_id = $1 ${which} and user_id > $2 order by user_id limit $3)`,
  );
  const { rows } = await pool.query<{ user_id: string }>({
    name: `users-in-${zone === null ? 'all' : where.length}`,
    text: `select user_id from (${parts.join(' union all ')}) as people order by user_id limit $3`,
    values: [tenantId, after, limit, ...(zone === null ? [] : [zone])],
  });
  return rows.map((row) => row.user_id);
}

/** UTC, where those live whose zone is unknown, and all others; one look into the index for each. */
async function userZones(connection: Connection, tenantId: string): Promise<string[]> {
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
  return [...new Set(['UTC', ...rows.map(({ zone }) => zone)])];
}

function nameOf(rule: string, zone: string): string {
  return `${rule}\x1f${zone}`;
}
