import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';
import { HELD_UNTIL, QUEUES, type Queue } from '../tenants/queues.ts';

/** Keeps waits, schedules, lifecycle events and jobs of a tenant from running until `releaseTenant`. */
export async function holdTenant(connection: Connection, tenant: string): Promise<void> {
  for (const queue of Object.keys(QUEUES) as Queue[]) {
    await connection.query(
      `update ${queue} set claimed_until = ${HELD_UNTIL} where tenant_id = $1 and ${QUEUES[queue]}`,
      [tenant],
    );
  }
}

/** Keeps waits that are due from firing until `releaseTenant`. Returns how many. */
export async function holdOverdueWaits(connection: Connection, now: Millis): Promise<number> {
  const { rowCount } = await connection.query(
    `update waits set claimed_until = ${HELD_UNTIL} where status = 'waiting' and due_at <= $1`,
    [isoTime(now)],
  );
  return rowCount ?? 0;
}

/** Releases what was held, in the transaction of the caller. Returns how many rows. */
export async function releaseTenant(connection: Connection, tenant: string, now: Millis): Promise<number> {
  let released = 0;
  for (const queue of Object.keys(QUEUES) as Queue[]) {
    const { rowCount } = await connection.query(
      `update ${queue} set claimed_until = null where tenant_id = $1 and claimed_until = ${HELD_UNTIL}`,
      [tenant],
    );
    released += rowCount ?? 0;
  }
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
