import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { areUsersLocked } from '../facts/facts.ts';
import { withTransaction } from '../pg/transaction.ts';
import { HELD_UNTIL, holdSome, QUEUES } from '../tenants/queues.ts';
import { loadTenantStatus } from '../tenants/tenant-state.ts';
import { withTestTenant } from './added-tenant.ts';

/** Longest wait (ms) for what is under way: longer than the leases of workers that are gone. */
const MAX_WAIT_MS: Millis = 180_000;
const PAUSE_MS: Millis = 200;

/**
 * Waits until nothing of a tenant that moves is under way: then a snapshot has all of it, and nothing is sent here that would be
 * sent again there. Returns at once if the tenant does not move.
 *
 * @throws ConfigError if something does not end
 */
export async function awaitQuiet(pool: pg.Pool, tenant: string, maxWait = MAX_WAIT_MS): Promise<void> {
  if ((await loadTenantStatus(pool, tenant)) !== 'moving') return;
  const deadline = performance.now() + maxWait;
  for (;;) {
    let busy: string | undefined;
    for (const one of withTestTenant(tenant)) busy ??= await findBusy(pool, one);
    if (busy === undefined) return;
    if (performance.now() > deadline) {
      throw new ConfigError(`${busy} of the tenant "${tenant}" do not end; nothing was dumped; try again later`);
    }
    await pause(PAUSE_MS);
  }
}

/** Returns what is under way; undefined: nothing, and all that waits is held. */
async function findBusy(pool: pg.Pool, tenantId: string): Promise<string | undefined> {
  while ((await withTransaction(pool, (connection) => holdSome(connection, tenantId))) > 0);
  if (await areUsersLocked(pool, tenantId)) return 'transactions';
  const sending = await pool.query(
    `select from deliveries where tenant_id = $1 and finished_at is null and status = 'sending' limit 1`,
    [tenantId],
  );
  if (sending.rowCount !== 0) return 'messages that are being sent';
  const writing = await pool.query('select from kafka_topics where tenant_id = $1 and claimed_until > now() limit 1', [
    tenantId,
  ]);
  if (writing.rowCount !== 0) return 'messages for Kafka topics';
  for (const [queue, condition] of Object.entries(QUEUES)) {
    const { rowCount } = await pool.query(
      `select from ${queue} where tenant_id = $1 and ${condition} and claimed_until < ${HELD_UNTIL} and claimed_until > now() limit 1`,
      [tenantId],
    );
    if (rowCount !== 0) return `claims of ${queue}`;
  }
  return undefined;
}
