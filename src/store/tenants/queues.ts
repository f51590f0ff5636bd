import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/**
 * Queues of a tenant that is suspended. Its rows are held: claimed until a time that never comes, or due then, so that claims
 * pass them over. Nothing is lost; once the tenant is active again, they are released.
 */

/** Queues whose rows a worker claims by `claimed_until`, with the condition of those that may be claimed. */
export const QUEUES = {
  waits: `status = 'waiting'`,
  schedules: 'true',
  outbox_events: 'true',
  webhook_facts: 'true',
  connector_tasks: 'ended_at is null',
  jobs: 'ended_at is null',
  batches: `ended_at is null and state <> 'draft'`,
} as const;

export type Queue = keyof typeof QUEUES;

/** The claim, or due time, of a held row. */
export const HELD_UNTIL = `'2500-01-01T00:00:00Z'::timestamptz`;

/** A release, under way or scheduled, that a restore holds. The watch passes over those of suspended tenants by itself. */
const IN_HELD_RELEASE = `state in ('watching', 'scheduled') and checked_at = ${HELD_UNTIL}`;

/** Rows of a queue that one statement changes. */
const CHUNK_ROWS = 1000;

/**
 * Holds some rows of the queues. Returns how many; 0: all are held, but for what a worker has claimed or is sending.
 * @param limit rows of each queue, at most; null: all
 */
export async function holdSome(
  connection: Connection,
  tenantId: string,
  limit: number | null = CHUNK_ROWS,
): Promise<number> {
  let held = 0;
  for (const queue of Object.keys(QUEUES) as Queue[]) {
    held += await change(
      connection,
      `update ${queue} set claimed_until = ${HELD_UNTIL} where ctid = any (array(
         select ctid from ${queue} where tenant_id = $1 and ${QUEUES[queue]} and (claimed_until is null or claimed_until < now())
         limit $2 for update skip locked))`,
      [tenantId, limit],
    );
  }
  held += await change(
    connection,
    `update deliveries as d set due_at = ${HELD_UNTIL}
     from (select tenant_id, notification_id, channel, target from deliveries
           where tenant_id = $1 and finished_at is null and status = 'queued' and due_at < ${HELD_UNTIL}
           limit $2 for update skip locked) as chunk
     where d.tenant_id = chunk.tenant_id and d.notification_id = chunk.notification_id and d.channel = chunk.channel
       and d.target = chunk.target`,
    [tenantId, limit],
  );
  return held;
}

/**
 * Releases some rows of the queues: they are due now, and their time to retry goes on where it stopped. Returns how many; 0:
 * all are released.
 * @param limit rows of each queue, at most; null: all
 */
export async function releaseSome(
  connection: Connection,
  tenantId: string,
  now: Millis,
  limit: number | null = CHUNK_ROWS,
): Promise<number> {
  let released = 0;
  for (const queue of Object.keys(QUEUES) as Queue[]) {
    released += await change(
      connection,
      `update ${queue} set claimed_until = null where ctid = any (array(
         select ctid from ${queue} where tenant_id = $1 and ${QUEUES[queue]} and claimed_until = ${HELD_UNTIL}
         limit $2 for update skip locked))`,
      [tenantId, limit],
    );
  }
  released += await change(
    connection,
    `update releases set checked_at = $2 where ctid = any (array(
       select ctid from releases where tenant_id = $1 and ${IN_HELD_RELEASE} for update skip locked))`,
    [tenantId, isoTime(now)],
  );
  released += await change(
    connection,
    `update deliveries as d
     set due_at = $2, retry_until = d.retry_until + ($2::timestamptz - greatest(d.created_at, t.suspended_at))
     from (select tenant_id, notification_id, channel, target from deliveries
           where tenant_id = $1 and finished_at is null and status = 'queued' and due_at = ${HELD_UNTIL}
           limit $3 for update skip locked) as chunk
     join tenants as t using (tenant_id)
     where d.tenant_id = chunk.tenant_id and d.notification_id = chunk.notification_id and d.channel = chunk.channel
       and d.target = chunk.target`,
    [tenantId, isoTime(now), limit],
  );
  return released;
}

/**
 * Holds some rows of a tenant unless it is active; it is not resumed before the transaction ends. A process that was frozen since it
 * looked at the tenant must hold nothing of one that goes on. Returns how many; null: it is active, or gone.
 */
export async function holdStopped(connection: Connection, tenantId: string): Promise<number | null> {
  return (await lockStatus(connection, tenantId, `<> 'active'`)) ? holdSome(connection, tenantId) : null;
}

/**
 * Releases some rows of a tenant if it is active, and notes when nothing is held any longer; it is not stopped before the transaction
 * ends. Returns whether there may be more.
 */
export async function releaseResumed(connection: Connection, tenantId: string, now: Millis): Promise<boolean> {
  if (!(await lockStatus(connection, tenantId, `= 'active'`))) return false;
  if ((await releaseSome(connection, tenantId, now)) > 0) return true;
  // Rows that another transaction changes were passed over: the next look releases them.
  if (await isSomeHeld(connection, tenantId)) return false;
  await connection.query('update tenants set is_held = false, suspended_at = null where tenant_id = $1', [tenantId]);
  return false;
}

/** Keeps the status of a tenant as it is until the end of the transaction. Returns whether it meets the condition. */
async function lockStatus(connection: Connection, tenantId: string, condition: string): Promise<boolean> {
  const text = `select from tenants where tenant_id = $1 and status ${condition} for no key update`;
  return (await change(connection, text, [tenantId])) === 1;
}

async function isSomeHeld(connection: Connection, tenantId: string): Promise<boolean> {
  for (const queue of Object.keys(QUEUES) as Queue[]) {
    const held = `select from ${queue} where tenant_id = $1 and ${QUEUES[queue]} and claimed_until = ${HELD_UNTIL} limit 1`;
    if ((await change(connection, held, [tenantId])) > 0) return true;
  }
  const release = `select from releases where tenant_id = $1 and ${IN_HELD_RELEASE}`;
  if ((await change(connection, release, [tenantId])) > 0) return true;
  const held = `select from deliveries where tenant_id = $1 and finished_at is null and status = 'queued' and due_at = ${HELD_UNTIL} limit 1`;
  return (await change(connection, held, [tenantId])) > 0;
}

async function change(connection: Connection, text: string, values: unknown[]): Promise<number> {
  const { rowCount } = await connection.query(text, values);
  return rowCount ?? 0;
}
