import type pg from 'pg';
import { BATCH_EVENT } from '../model/batch.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';
import { DIRECT_RULE } from '../model/direct.ts';
import type { EmailStanding } from '../model/email-standing.ts';
import type { Millis } from '../model/event.ts';
import { loadBatch, type StoredBatch } from '../store/batches/batches.ts';
import type { NotificationView } from '../store/deliveries/delivery-views.ts';
import { loadQueuedFacts, type QueuedFacts } from '../store/deliveries/queued-facts.ts';
import type { Pause } from '../store/pause.ts';
import { listEmailStandings } from '../store/receipts/email-standings.ts';

/** An account by which nothing is sent at present. Times are ISO 8601 in UTC. */
export interface Outage {
  readonly provider: string;
  /** Null: that of the installation. */
  readonly account: string | null;
  readonly since: string;
  readonly cause: string;
  readonly next_probe_at: string;
}

/**
 * Returns the accounts for whose outage every message of a channel waits, that with the next probe first; empty: some may go.
 * @param service of the device that a push message is for; null: that is not known, or it is for no device
 */
type FindOutages = (channel: Channel, service: PushService | null) => readonly Outage[];

/** Facts about what holds deliveries that are not stored with them. */
export interface HoldSources {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  /** Returns the pause of all workers after a restore; undefined: they work. */
  readonly loadPause: () => Promise<Pause | undefined>;
  readonly loadOutages: () => Promise<FindOutages>;
}

/** Everything that may hold the queued deliveries of a notification, as it is now. */
export interface HoldFacts {
  readonly now: Millis;
  readonly type: string;
  readonly restored: Pause | undefined;
  /** Undefined: no batch sends it. */
  readonly batch: StoredBatch | undefined;
  /** The pause of its emails; undefined: they are sent. */
  readonly standing: EmailStanding | undefined;
  readonly findOutages: FindOutages;
  /** Undefined: the delivery is no longer queued. */
  readonly find: (delivery: { readonly channel: string; readonly target: string }) => QueuedFacts | undefined;
}

/** Loads what may hold the deliveries of a notification, by as many queries for a thousand of them as for one. */
export async function loadHoldFacts(
  { pool, clock, loadPause, loadOutages }: HoldSources,
  tenantId: string,
  notification: NotificationView,
): Promise<HoldFacts> {
  const now = clock();
  const { notification_id: id, notification_type: type } = notification;
  const queued = await loadQueuedFacts(pool, tenantId, id);
  const byTarget = new Map(queued.map((one) => [`${one.channel} ${one.target}`, one]));
  return {
    now,
    type,
    restored: await loadPause(),
    batch: await findBatch(pool, tenantId, notification),
    standing: mayBePaused(notification) ? await findStanding(pool, tenantId, type, now) : undefined,
    findOutages: await loadOutages(),
    find: ({ channel, target }) => byTarget.get(`${channel} ${target}`),
  };
}

/** Returns the batch of a notification, as a claim finds it. */
async function findBatch(
  pool: pg.Pool,
  tenantId: string,
  { rule, event_id: eventId }: NotificationView,
): Promise<StoredBatch | undefined> {
  if (rule !== DIRECT_RULE || !eventId.startsWith(BATCH_EVENT)) return undefined;
  return loadBatch(pool, tenantId, eventId.slice(BATCH_EVENT.length, BATCH_EVENT.length + UUID_LENGTH));
}

const UUID_LENGTH = 36;

/** Whether the pause of emails concerns any delivery of a notification. Those of SECURITY go out all the same. */
function mayBePaused({ category, deliveries }: NotificationView): boolean {
  return category !== 'SECURITY' && deliveries.some((one) => one.status === 'queued' && isPausedWithEmails(one));
}

export function isPausedWithEmails({ channel }: { readonly channel: Channel }): boolean {
  return CHANNEL_DESCRIPTORS[channel].canBounceLater === true;
}

async function findStanding(
  pool: pg.Pool,
  tenantId: string,
  type: string,
  now: Millis,
): Promise<EmailStanding | undefined> {
  const found = await listEmailStandings(pool, tenantId, now);
  return found.find(
    ({ pausedAt, notificationType }) => pausedAt !== null && (notificationType === '' || notificationType === type),
  );
}
