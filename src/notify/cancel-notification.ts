import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { DeliveryStatus } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { lockUsers } from '../store/facts/facts.ts';
import { cancelNotification, findScheduled, findUserOfNotification, loadStatuses } from '../store/notifications.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { isoTime } from '../time/iso-time.ts';
import { CANCELLED_BY_REQUEST, cancelWait } from '../timers/wait-admin.ts';

/**
 * The state that a cancellation leaves. `cancelled`: no message of it goes out. `too_late`: a message of it went out, may have,
 * or is being sent at this moment; what has not begun is cancelled all the same.
 */
export interface Cancellation {
  readonly notification_id: string;
  readonly state: 'cancelled' | 'too_late';
  /** Channels whose messages were cancelled, now or before; empty: it was only scheduled. */
  readonly cancelled: readonly string[];
  readonly sent: readonly string[];
  /** Being sent: only the provider knows yet. A further attempt is not made. */
  readonly sending: readonly string[];
  readonly in_doubt: readonly string[];
}

export interface CancelCommand {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
  readonly id: string;
  readonly actor: Actor;
  readonly now: Millis;
}

/** Cancels a notification, scheduled or made. Undefined: the id is unknown. */
export async function cancelNotificationById(command: CancelCommand): Promise<Cancellation | undefined> {
  const { pool, tenantId, id } = command;
  if (await findScheduled(pool, tenantId, id)) {
    const ended = await cancelWait(command, id, CANCELLED_BY_REQUEST);
    if (ended?.status === 'cancelled') return toCancellation(id, []);
  }
  const made = await cancelMade(command);
  if (made) return made;
  // It may have been cancelled before, while it was scheduled.
  const ended = await cancelWait(command, id, CANCELLED_BY_REQUEST);
  return ended && toCancellation(id, []);
}

async function cancelMade({ pool, tenantId, id, actor, now }: CancelCommand): Promise<Cancellation | undefined> {
  return withTransaction(pool, async (connection) => {
    const userId = await lockUserOf(connection, tenantId, id);
    if (userId === undefined) return undefined;
    const before = await loadStatuses(connection, tenantId, id);
    const isFirst = await cancelNotification(connection, tenantId, { userId, id }, now);
    const after = await loadStatuses(connection, tenantId, id);
    const states = { before: toStates(before, null), after: toStates(after, isoTime(now)) };
    const entry = { tenantId, actor, action: 'notification.cancelled', subject: id, detail: {}, ...states };
    if (isFirst) await appendAuditEntry(connection, entry, now);
    return toCancellation(id, after);
  });
}

/** Locks the user of a notification; until then, a merge may make it that of another. */
async function lockUserOf(connection: pg.PoolClient, tenantId: string, id: string): Promise<string | undefined> {
  for (let locked: string | undefined; ; ) {
    const userId = await findUserOfNotification(connection, tenantId, id);
    if (userId === undefined || userId === locked) return userId;
    await lockUsers(connection, tenantId, [userId]);
    locked = userId;
  }
}

type Statuses = Awaited<ReturnType<typeof loadStatuses>>;

function toStates(statuses: Statuses, cancelledAt: string | null): JsonObject {
  return { cancelled_at: cancelledAt, deliveries: statuses.map(({ channel, status }) => ({ channel, status })) };
}

function toCancellation(id: string, statuses: Statuses): Cancellation {
  const list = (...some: readonly DeliveryStatus[]) => [
    ...new Set(statuses.filter(({ status }) => some.includes(status)).map(({ channel }) => channel)),
  ];
  const [sent, sending, inDoubt] = [list('sent', 'sandboxed'), list('sending'), list('in_doubt')];
  return {
    notification_id: id,
    state: sent.length + sending.length + inDoubt.length > 0 ? 'too_late' : 'cancelled',
    cancelled: list('cancelled'),
    sent,
    sending,
    in_doubt: inDoubt,
  };
}
