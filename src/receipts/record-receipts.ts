import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { LifecycleOutcome } from '../catalog/lifecycle-events.ts';
import { toLifecycleEventType } from '../catalog/lifecycle-events.ts';
import { writeNotice } from '../channels/internal/notices.ts';
import { loadProvider } from '../channels/registry.ts';
import type { Category } from '../model/catalog.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import type { Receipt } from '../model/receipt.ts';
import { isOptOut, isSuppressible, type Suppression } from '../model/suppression.ts';
import type { Seal } from '../privacy/seal.ts';
import { listensTo } from '../rules/compile/rule-set.ts';
import { advanceSteps } from '../store/deliveries/fallbacks.ts';
import { enqueueOutbox } from '../store/outbox.ts';
import type { Connection } from '../store/pg/pool.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { loadLaterOptIns } from '../store/receipts/opt-ins.ts';
import { endCheck, type MessageRow } from '../store/receipts/provider-messages.ts';
import {
  insertReceipts,
  loadAddressFailures,
  loadCategory,
  loadReceipts,
  lockReportedDelivery,
  type ReportedDelivery,
  saveReceiptCost,
  saveReceiptState,
} from '../store/receipts/receipts.ts';
import { addSuppressions, liftOptOut } from '../store/suppressions.ts';
import { loadAddressMask } from '../store/terms.ts';
import { type Fact, recordFacts } from '../store/webhooks/facts.ts';
import { isoTime } from '../time/iso-time.ts';
import { describeStanding } from '../track/email-standing.ts';
import { type DeliveryReceiptState, getReceiptState, hasReached } from '../track/receipt-state.ts';
import { getSuppression, getUnsubscribeScope, isSoftBounce, SOFT_BOUNCE_WINDOW_MS } from '../track/suppression.ts';
import { dropRepeatedKeywords } from './drop-repeated-keywords.ts';
import { noteEmail } from './note-email.ts';
import { settleDoubt } from './settle-doubt.ts';

export interface RecordOptions {
  /** That of the owner: a receipt names its message, not its tenant. */
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly log: Logger;
}

/** Time in ms from the receipt of a message to the question for its price: providers know it some time after they have sent it. */
const PRICE_DELAY_MS: Millis = 3_600_000;

/** The actor of what receipts change. */
const ACTOR = systemActor('receipts');

/**
 * Stores receipts of one delivery with what follows from them, in one transaction: its state, the events for rules, the next of
 * channels that are tried one after the other, and suppressions. What is stored already changes nothing.
 * @param isOverdue the time in which receipts usually come has passed: without one the delivery is unconfirmed
 */
export async function recordReceipts(
  { pool, catalogs, clock, log }: RecordOptions,
  message: MessageRow,
  received: readonly Receipt[],
  isOverdue = false,
): Promise<void> {
  const now = clock();
  const pricesLater = (await loadProvider(message.provider))?.pricesLater === true;
  const clamped = received.map((receipt) => ({ ...receipt, at: clampTime(receipt.at, now) }));
  const standings = await withTransaction(pool, async (connection) => {
    const delivery = await lockReportedDelivery(connection, message);
    if (!delivery) return [];
    const { provider, account, addressHash } = message;
    const receipts = await dropRepeatedKeywords(connection, message, clamped, now);
    const source = { provider, account: account === '' ? null : account, addressHash };
    const fresh = await insertReceipts(connection, delivery, source, receipts, now);
    if (fresh.size === 0 && !isOverdue) return [];
    const fromNew = receipts.filter(({ id }) => fresh.has(id));
    await settleDoubt(connection, delivery, message, fromNew, now);
    const all = await loadReceipts(connection, delivery);
    const wasUnconfirmed = delivery.receiptState === 'unconfirmed';
    const state = getReceiptState(all, { channel: delivery.channel, isOverdue: isOverdue || wasUnconfirmed });
    await saveReceiptState(connection, delivery, state);
    const saysCost = fromNew.some(({ cost }) => cost !== undefined);
    if (saysCost) await saveReceiptCost(connection, delivery, message.messageKey);
    if (state.state !== null) {
      const priceAt = !saysCost && pricesLater ? now + PRICE_DELAY_MS : null;
      await endCheck(connection, delivery.tenantId, [message], priceAt);
    }
    const notification = await loadCategory(connection, delivery);
    if (notification) {
      const at = Math.max(...fromNew.map((one) => one.at), 0) || now;
      const facts = toFacts(delivery, state, at, now);
      if (facts.length > 0) {
        const { rules } = await catalogs.getActiveOf(delivery.tenantId, delivery.userId);
        const { heardOutcomes } = notification;
        const pick = (isHeard: (type: string) => boolean) => facts.filter(({ type }) => isHeard(type));
        await enqueueOutbox(
          connection,
          pick((type) => listensTo(rules, type)),
          now,
        );
        await recordFacts(
          connection,
          pick((type) => heardOutcomes?.includes(type) === true),
          now,
        );
      }
      await advance(connection, catalogs, { delivery, state, catalogVersion: notification.catalogVersion }, now);
    }
    const category = notification?.category as Category | undefined;
    await suppress(connection, { delivery, message, receipts: fromNew, category }, now);
    return noteEmail(connection, delivery, state, { provider, actor: ACTOR }, now);
  });
  for (const standing of standings) writeNotice(log, ...describeStanding(standing));
}

/** A receipt is not later than now, and not from before this century. */
function clampTime(at: Millis, now: Millis): Millis {
  return Number.isFinite(at) && at > 946_684_800_000 ? Math.min(Math.round(at), now) : now;
}

/** Returns what is known of the delivery now and was not before, as events of this time, recorded now. */
function toFacts(
  delivery: ReportedDelivery,
  { state, flags, failure }: DeliveryReceiptState,
  time: Millis,
  now: Millis,
): Fact[] {
  const { tenantId, userId, notificationId, notificationType, channel, receiptState, receiptFlags } = delivery;
  const outcomes: LifecycleOutcome[] = [];
  const arrived = (one: string | null) => one === 'delivered' || one === 'partly_delivered' || one === 'complained';
  // Without a receipt, what was sent counts as delivered once no receipt is to be expected.
  if ((arrived(state) || state === 'unconfirmed') && !arrived(receiptState) && receiptState !== 'unconfirmed')
    outcomes.push('delivered');
  if (state === 'bounced' && receiptState !== 'bounced') outcomes.push('bounced');
  if (state === 'failed' && receiptState !== 'failed') outcomes.push('failed');
  for (const flag of ['opened', 'clicked'] as const) {
    if (flags.includes(flag) && !receiptFlags.includes(flag)) outcomes.push(flag);
  }
  const reason = failure && [failure.enhancedCode, failure.code].filter((part) => part !== undefined).join(' ');
  return outcomes.map((outcome) => {
    const type = toLifecycleEventType(outcome);
    const eventId = `${type} ${formatDeliveryId(delivery)}`;
    const event: JsonObject = {
      event_id: eventId,
      user_id: userId,
      event_type: type,
      event_timestamp: isoTime(time),
      properties: {
        notification_type: notificationType,
        notification_id: notificationId,
        channel,
        ...(reason && (outcome === 'bounced' || outcome === 'failed') ? { reason } : {}),
      },
    };
    return { tenantId, userId, eventId, type, at: now, event, about: notificationType, channel };
  });
}

/** Goes on with channels that are tried one after the other. */
async function advance(
  connection: Connection,
  catalogs: CatalogCache,
  found: { delivery: ReportedDelivery; state: DeliveryReceiptState; catalogVersion: number },
  now: Millis,
): Promise<void> {
  const { delivery, state, catalogVersion } = found;
  const { tenantId, notificationId, step, channel, notificationType } = delivery;
  if (step === null) return;
  const { rules } = await catalogs.getVersion(tenantId, catalogVersion);
  const reached = hasReached(state, rules.notifications.get(notificationType)?.firstOf?.until ?? 'sent');
  if (reached === undefined) return;
  await advanceSteps(connection, [{ tenantId, notificationId, step, channel, reached }], now);
}

async function suppress(
  connection: Connection,
  found: {
    readonly delivery: ReportedDelivery;
    readonly message: MessageRow;
    readonly receipts: readonly Receipt[];
    readonly category: Category | undefined;
  },
  now: Millis,
): Promise<void> {
  const { delivery, message, receipts, category } = found;
  const { tenantId, channel } = delivery;
  const { addressHash, provider, account } = message;
  if (addressHash === null || !isSuppressible(channel)) return;
  const suppressions: Suppression[] = [];
  for (const receipt of receipts) {
    const evidence = {
      source: 'receipt',
      kind: receipt.kind,
      delivery_id: formatDeliveryId(delivery),
      receipt_id: receipt.id,
      provider,
      ...(account === '' ? {} : { account }),
      ...(receipt.code === undefined ? {} : { code: receipt.code }),
      ...(receipt.enhancedCode === undefined ? {} : { enhanced_code: receipt.enhancedCode }),
      ...(receipt.detail === undefined ? {} : { detail: receipt.detail }),
    };
    const address = { tenantId, channel, addressHash };
    if (receipt.kind === 'opted_in') {
      // A user who writes to us wants everything again; a provider reports what one message was about.
      const only = 'from' in receipt.of ? {} : { category: getUnsubscribeScope(category) };
      const senders = listSenders(receipt);
      await liftOptOut(connection, address, { actor: ACTOR, evidence, senders, ...only }, receipt.at);
      continue;
    }
    const isSoft = isSoftBounce({ ...receipt, provider });
    const softBounces = isSoft ? await loadSoftBounces(connection, address, delivery, receipt.at) : [];
    const verdict = getSuppression({ receipt, provider, ...(category ? { category } : {}) }, { softBounces });
    if (!verdict || (verdict.until !== undefined && verdict.until <= now)) continue;
    const { scope, reason, until = null } = verdict;
    if (isOptOut(reason)) {
      const later = await loadLaterOptIns(connection, address, receipt.at);
      if (later.some((one) => !scope.startsWith('category:') || getUnsubscribeScope(one) === scope)) continue;
    }
    const mask = (await loadAddressMask(connection, tenantId, delivery.userId, addressHash)) ?? null;
    // STOP is a word to one sender: the others may go on.
    const senders = reason === 'opted_out' ? listSenders(receipt) : [];
    const scopes = senders.length === 0 ? [scope] : senders.map((sender) => `sender:${sender}`);
    for (const one of scopes)
      suppressions.push({ ...address, addressMask: mask, scope: one, reason, since: receipt.at, until, evidence });
  }
  await addSuppressions(connection, suppressions, ACTOR, now);
}

/** Returns the senders of ours that a message was written to, or went out by; empty: they are not known. */
function listSenders({ of, senders = [] }: Receipt): readonly string[] {
  return 'from' in of ? (of.to ?? []) : senders;
}

/** Returns the times of soft bounces of an address, one of each other delivery, since it last received a message. */
async function loadSoftBounces(
  connection: Connection,
  address: { readonly tenantId: string; readonly channel: string; readonly addressHash: string },
  delivery: ReportedDelivery,
  at: Millis,
): Promise<Millis[]> {
  const failures = await loadAddressFailures(connection, address, at - SOFT_BOUNCE_WINDOW_MS);
  const own = `${delivery.notificationId}.${delivery.channel}.${delivery.target}`;
  const byDelivery = new Map<string, Millis>();
  for (const failure of failures) {
    if (failure.delivery !== own && isSoftBounce(failure)) byDelivery.set(failure.delivery, failure.at);
  }
  return [...byDelivery.values()];
}
