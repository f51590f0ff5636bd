import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import { markOwn } from '../events/own-events.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import { DIRECT_RULE, NOTIFICATION_RESCHEDULED, type ZoneSource } from '../model/direct.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { findScheduled, loadNotification } from '../store/notifications.ts';
import { isoTime } from '../time/iso-time.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { checkSchedule } from './check-request.ts';
import { ingestOnce, type StoredEvent } from './ingest-once.ts';
import type { ScheduledAt } from './request.ts';
import { completeSchedule } from './send-notifications.ts';

/** `too_late`: it is no longer scheduled, and stays as it is. */
export interface Rescheduled {
  readonly notification_id: string;
  readonly state: 'scheduled' | 'too_late';
  readonly due_at?: string;
  readonly zone?: string;
  readonly zone_from?: ZoneSource;
  /** The new time was past, so it is sent at once. */
  readonly late?: true;
}

export interface RescheduleCommand {
  readonly pool: pg.Pool;
  readonly pipeline: Pick<Pipeline, 'ingest'>;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
  readonly id: string;
  readonly actor: Actor;
  readonly operationId: string;
  readonly now: Millis;
}

/**
 * Moves what is scheduled to another time, by an event about its user. Undefined: there is no notification with this id.
 * @throws TidingsError if it is no time, or after its expiry
 */
export async function rescheduleNotification(
  command: RescheduleCommand,
  scheduledAt: ScheduledAt,
): Promise<Rescheduled | undefined> {
  const { pool, pipeline, catalogs, tenantId, id, actor, operationId, now } = command;
  const time = checkSchedule(scheduledAt);
  const found = await findScheduled(pool, tenantId, id);
  if (!found)
    return (await loadNotification(pool, tenantId, id)) ? { notification_id: id, state: 'too_late' } : undefined;
  checkExpiry(found.properties, time);
  const schedule = await completeSchedule(pool, tenantId, scheduledAt, await catalogs.getActive(tenantId));
  const properties = {
    notification_id: id,
    notification_type: found.properties.notification_type as string,
    by: { kind: actor.kind, id: actor.id },
    scheduled_at: schedule as string | JsonObject,
  };
  const toItem = (_: number, stored?: StoredEvent): JsonObject =>
    markOwn({
      event_id: `move:${operationId}`,
      user_id: found.userId,
      event_type: NOTIFICATION_RESCHEDULED,
      event_timestamp: isoTime(stored?.time ?? now),
      properties,
    });
  const [result] = await ingestOnce({ pipeline, pool }, tenantId, [0], toItem);
  if (result?.status === 'conflict') {
    const message = 'The Idempotency-Key was used for another time; use a new key for each request.';
    throw new TidingsError('idempotency_key_reused', message, { pointer: 'idempotency-key' });
  }
  const { wait, direct } = result?.decisions.find(({ rule }) => rule === DIRECT_RULE)?.evidence ?? {};
  if (!wait) return { notification_id: id, state: 'too_late' };
  const { zone, zone_from: zoneFrom } = direct?.scheduled ?? {};
  return {
    notification_id: id,
    state: 'scheduled',
    due_at: wait.due_at,
    ...(zone !== undefined && { zone }),
    ...(zoneFrom !== undefined && { zone_from: zoneFrom }),
    ...(Date.parse(wait.due_at) <= now && { late: true as const }),
  };
}

function checkExpiry({ expires_at: expiry }: JsonObject, time: Millis | undefined): void {
  if (typeof expiry !== 'string' || time === undefined) return;
  const parsed = parseTimestamp(expiry);
  if ('problem' in parsed || parsed.time > time) return;
  throw new TidingsError('invalid_notification', `The notification expires on ${expiry}, before that time.`, {
    pointer: '/scheduled_at',
  });
}
