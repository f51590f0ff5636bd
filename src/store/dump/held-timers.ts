import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';
import { HELD_UNTIL, holdSome, releaseSome } from '../tenants/queues.ts';
import { lockTenant } from '../tenants/tenants.ts';
import { requireLiveId, withTestTenant } from './added-tenant.ts';

/** Keeps waits, schedules, lifecycle events and jobs of tenants from running, and releases from beginning or ending, until `releaseTenant`. */
export async function holdUntilResumed(connection: Connection, tenants: readonly string[]): Promise<void> {
  for (const tenant of tenants) await holdSome(connection, tenant, null);
  await connection.query(
    `update releases set checked_at = ${HELD_UNTIL} where tenant_id = any ($1) and state in ('watching', 'scheduled')`,
    [tenants],
  );
  // The dumped installation was about to release the rows of a tenant that was active again.
  await connection.query(
    `update tenants set is_held = false, suspended_at = null where tenant_id = any ($1) and status = 'active' and is_held`,
    [tenants],
  );
}

/** Holds what the end of claims has made due again for tenants that are suspended or being deleted. @param tenants null: all */
export async function holdSuspended(connection: Connection, tenants: readonly string[] | null): Promise<void> {
  const { rows } = await connection.query<{ tenant: string }>(
    `select tenant_id as tenant from tenants
     where status <> 'active' and ($1::text[] is null or tenant_id = any ($1)) order by tenant_id`,
    [tenants],
  );
  for (const { tenant } of rows) await holdSome(connection, tenant, null);
}

/** Keeps waits that are due from firing until `releaseTenant`. Returns how many. */
export async function holdOverdueWaits(connection: Connection, now: Millis): Promise<number> {
  const { rowCount } = await connection.query(
    `update waits set claimed_until = ${HELD_UNTIL}
     where status = 'waiting' and due_at <= $1 and claimed_until is distinct from ${HELD_UNTIL}`,
    [isoTime(now)],
  );
  return rowCount ?? 0;
}

/** Returns the next occurrence of a cron pattern in a zone, strictly after a time; null: never. */
type NextOccurrence = (cron: string, zone: string, after: Millis) => Millis | null;

/** Schedules that are moved by one statement. */
const MAX_MOVED_SCHEDULES = 1000;

/**
 * Skips the occurrences of scheduled rules that are due or under way: each runs next at its next occurrence. Returns how many.
 * @param next decides when that is; a rule without a further occurrence never runs again
 */
export async function skipOverdueSchedules(connection: Connection, now: Millis, next: NextOccurrence): Promise<number> {
  let skipped = 0;
  for (;;) {
    const { rows } = await connection.query<{ tenant_id: string; rule: string; zone: string; cron: string }>(
      `select tenant_id, rule, zone, cron from schedules where next_at <= $1 order by next_at limit ${MAX_MOVED_SCHEDULES}`,
      [isoTime(now)],
    );
    if (rows.length === 0) return skipped;
    const moved = rows.map(({ tenant_id: t, rule: r, zone: z, cron }) => ({
      t,
      r,
      z,
      n: isoTime(next(cron, z, now) ?? NEVER),
    }));
    await connection.query(
      `update schedules set next_at = q.n, cursor = null, claimed_until = case when claimed_until = ${HELD_UNTIL} then claimed_until end
       from json_to_recordset($1) as q(t text, r text, z text, n timestamptz)
       where tenant_id = q.t and rule = q.r and zone = q.z`,
      [JSON.stringify(moved)],
    );
    skipped += rows.length;
  }
}

/** Stands for "never" in the time column of a schedule, as in src/timers/schedules.ts. */
const NEVER = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Releases what was held, in the transaction of the caller. Returns how many rows.
 * @throws ConfigError if there is no such tenant, or it is suspended or being deleted
 */
export async function releaseTenant(connection: Connection, tenant: string, now: Millis): Promise<number> {
  requireLiveId(tenant);
  const stored = await lockTenant(connection, tenant);
  if (stored === null) throw new ConfigError(`there is no tenant "${tenant}" in this database`);
  if (stored.status === 'deleting') throw new ConfigError(`the tenant "${tenant}" is being deleted`);
  if (stored.status !== 'active') {
    throw new ConfigError(
      `the tenant "${tenant}" is ${stored.status}; tidings tenants resume ${tenant} goes on with everything`,
    );
  }
  let released = 0;
  for (const one of withTestTenant(tenant)) released += await releaseSome(connection, one, now, null);
  const entry = {
    tenantId: tenant,
    actor: systemActor('command line', 'cli'),
    action: 'tenant.resumed',
    subject: `tenant ${tenant}`,
  };
  const states = { before: { held: released }, after: { held: 0 } };
  await appendAuditEntry(connection, { ...entry, detail: { released }, ...states }, now);
  return released;
}
