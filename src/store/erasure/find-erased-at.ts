import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/* Look-ups of an erasure that begins, after the lock of the user. */

/**
 * Returns the time of an erasure that begins now: everything that is stored of the user is from before it. The clocks of two
 * processes differ by some seconds, so that it may be ahead of the own one.
 * @param user `rejectedHash`: as in `rejected_events`; null: none is
 */
export async function findErasedAt(
  connection: Connection,
  user: { readonly tenantId: string; readonly userId: string; readonly rejectedHash: string | null },
  now: Millis,
): Promise<Millis> {
  const { rows } = await connection.query<{ at: Millis | null }>(
    `select greatest(
       (select max(received_at) from events where tenant_id = $1 and user_id = $2 and event_time > $3),
       (select max(began_at) from waits where tenant_id = $1 and user_id = $2 and began_at > $3),
       (select max(recorded_at) from consents where tenant_id = $1 and user_id = $2),
       (select max(first_at) from rejected_events where tenant_id = $1 and user_hash = $4 and last_at > $3),
       (select max(created_at) from kafka_outbox where tenant_id = $1 and user_id = $2 and user_id > '' and created_at > $3)) as at`,
    [user.tenantId, user.userId, isoTime(now), user.rejectedHash],
  );
  return Math.max(now, rows[0]?.at ?? now);
}

/** Whether something is stored of a user whose erasure is under way that it has not found: it has deleted all of this at once. */
export async function hasComeBack(connection: Connection, tenantId: string, userId: string): Promise<boolean> {
  const { rows } = await connection.query<{ is_back: boolean }>(
    `select exists (select from users where tenant_id = $1 and user_id = $2)
         or exists (select from devices where tenant_id = $1 and user_id = $2)
         or exists (select from merged_users where tenant_id = $1 and user_id = $2)
         or exists (select from list_members where tenant_id = $1 and user_id = $2) as is_back`,
    [tenantId, userId],
  );
  return rows[0]?.is_back === true;
}
