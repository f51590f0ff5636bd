import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { areUsersLocked } from '../facts/facts.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';
import { HELD_UNTIL, holdStopped, QUEUES } from '../tenants/queues.ts';
import { loadTenant } from '../tenants/tenants.ts';
import { withTestTenant } from './added-tenant.ts';

/** Longest wait (ms) for what is under way: longer than the leases of workers that are gone. */
const MAX_WAIT_MS: Millis = 180_000;
const PAUSE_MS: Millis = 200;

/**
 * Waits until nothing of a tenant that moves is under way: then a snapshot has all of it, and nothing is sent here that would be
 * sent again there. Returns its revision, which is the same for as long as it stays so; undefined, and at once, if the tenant does not
 * move.
 *
 * @throws ConfigError if something does not end, or the tenant is resumed meanwhile
 */
export async function awaitQuiet(pool: pg.Pool, tenant: string, maxWait = MAX_WAIT_MS): Promise<number | undefined> {
  const stored = await loadTenant(pool, tenant);
  if (stored?.status !== 'moving') return undefined;
  const deadline = performance.now() + maxWait;
  for (;;) {
    let busy: string | undefined;
    for (const one of withTestTenant(tenant)) busy ??= await findBusy(pool, one);
    await requireUnchanged(pool, tenant, stored.revision);
    if (busy === undefined) return stored.revision;
    if (performance.now() > deadline) {
      throw new ConfigError(`${busy} of the tenant "${tenant}" do not end; nothing was dumped; try again later`);
    }
    await pause(PAUSE_MS);
  }
}

/** @throws ConfigError if a tenant was resumed or changed since it had this revision */
export async function requireUnchanged(connection: Connection, tenant: string, revision: number): Promise<void> {
  if ((await loadTenant(connection, tenant))?.revision === revision) return;
  throw new ConfigError(
    `the tenant "${tenant}" was resumed or changed meanwhile; nothing was dumped; begin again with tidings tenants move ${tenant}`,
  );
}

/** Returns what is under way; undefined: nothing, and all that waits is held. */
async function findBusy(pool: pg.Pool, tenantId: string): Promise<string | undefined> {
  while (((await withTransaction(pool, (connection) => holdStopped(connection, tenantId))) ?? 0) > 0);
  if (await areUsersLocked(pool, tenantId)) return 'transactions';
  // A delivery that is queued and not held is being claimed: its row was locked.
  const sending = await pool.query(
    `select from deliveries where tenant_id = $1 and finished_at is null and status = 'sending'
     union all
     select from deliveries where tenant_id = $1 and finished_at is null and status = 'queued' and due_at < ${HELD_UNTIL} limit 1`,
    [tenantId],
  );
  if (sending.rowCount !== 0) return 'messages that are being sent';
  const writing = await pool.query('select from kafka_topics where tenant_id = $1 and claimed_until > now() limit 1', [
    tenantId,
  ]);
  if (writing.rowCount !== 0) return 'messages for Kafka topics';
  for (const [queue, condition] of Object.entries(QUEUES)) {
    // A wait that could not be fired rests until `retry_at`: nothing of it is under way.
    const isBusy = queue === 'waits' ? 'and (retry_at is null or claimed_until is distinct from retry_at)' : '';
    const { rowCount } = await pool.query(
      `select from ${queue}
       where tenant_id = $1 and ${condition} and claimed_until is distinct from ${HELD_UNTIL} ${isBusy} limit 1`,
      [tenantId],
    );
    if (rowCount !== 0) return `claims of ${queue}`;
  }
  return undefined;
}
