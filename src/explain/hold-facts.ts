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

/** Everything that may hold messages of a tenant, as it is now. */
export interface TenantHolds {
  readonly now: Millis;
  readonly restored: Pause | undefined;
  /** Pauses of emails. */
  readonly standings: readonly EmailStanding[];
  readonly findOutages: FindOutages;
}

/** Loads what may hold the messages of a tenant. @param hasEmails false: its paused emails are not asked for */
export async function loadTenantHolds(
  { pool, clock, loadPause, loadOutages }: HoldSources,
  tenantId: string,
  hasEmails = true,
): Promise<TenantHolds> {
  const now = clock();
  const standings = hasEmails ? await listEmailStandings(pool, tenantId, now) : [];
  return {
    now,
    restored: await loadPause(),
    standings: standings.filter(({ pausedAt }) => pausedAt !== null),
    findOutages: await loadOutages(),
  };
}

/** Everything that may hold messages of one notification. */
export interface NotificationHolds extends Omit<TenantHolds, 'standings'> {
  /** Undefined: no batch sends it. */
  readonly batch: StoredBatch | undefined;
  /** The pause of its emails; undefined: they are sent. */
  readonly standing: EmailStanding | undefined;
}

/** Returns what of the holds of a tenant concerns a notification. Emails of SECURITY go out while others are paused. */
export function toNotificationHolds(
  { standings, ...holds }: TenantHolds,
  { type, category }: { readonly type: string; readonly category: string },
  batch: StoredBatch | undefined,
): NotificationHolds {
  const standing = standings.find(({ notificationType: paused }) => paused === '' || paused === type);
  return { ...holds, batch, standing: category === EXEMPT ? undefined : standing };
}

const EXEMPT = 'SECURITY';

/** Loads what may hold the queued deliveries of a notification, by as many queries for a thousand of them as for one. */
export async function loadNotificationHolds(
  sources: HoldSources,
  tenantId: string,
  notification: NotificationView,
): Promise<{
  readonly holds: NotificationHolds;
  /** Undefined: the delivery is no longer queued. */
  readonly find: (delivery: { readonly channel: string; readonly target: string }) => QueuedFacts | undefined;
}> {
  const { pool } = sources;
  const { notification_id: id, notification_type: type, category, rule, event_id: eventId, deliveries } = notification;
  const queued = await loadQueuedFacts(pool, tenantId, id);
  const byTarget = new Map(queued.map((one) => [`${one.channel} ${one.target}`, one]));
  const hasEmails = category !== EXEMPT && deliveries.some((one) => one.status === 'queued' && isPausedWithEmails(one));
  const batchId = toBatchId({ rule, eventId });
  const batch = batchId === undefined ? undefined : await loadBatch(pool, tenantId, batchId);
  return {
    holds: toNotificationHolds(await loadTenantHolds(sources, tenantId, hasEmails), { type, category }, batch),
    find: ({ channel, target }) => byTarget.get(`${channel} ${target}`),
  };
}

/** Returns the id of the batch of a notification, as a claim finds it; undefined: no batch sends it. */
export function toBatchId({ rule, eventId }: { readonly rule: string; readonly eventId: string }): string | undefined {
  if (rule !== DIRECT_RULE || !eventId.startsWith(BATCH_EVENT)) return undefined;
  return eventId.slice(BATCH_EVENT.length, BATCH_EVENT.length + UUID_LENGTH);
}

const UUID_LENGTH = 36;

export function isPausedWithEmails({ channel }: { readonly channel: Channel }): boolean {
  return CHANNEL_DESCRIPTORS[channel].canBounceLater === true;
}
