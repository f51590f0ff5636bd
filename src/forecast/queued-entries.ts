import type { NotificationType } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Millis } from '../model/event.ts';
import { getFoldedType } from '../model/frequency.ts';
import { isHoldOver } from '../model/hold-codes.ts';
import type { Policy } from '../model/preferences.ts';
import { NO_TERMS } from '../model/terms.ts';
import { describeVerdict } from '../plan/describe-verdicts.ts';
import { replanChannel } from '../plan/replan.ts';
import { formatTime } from '../rules/reasons.ts';
import type { QueuedDelivery } from '../store/deliveries/queued-of-user.ts';
import type { StoredPlanUser } from '../store/terms.ts';
import { isBoundTo } from '../users/address-ids.ts';
import { isOfRequest } from './collect-entries.ts';
import type { ForecastChannel, ForecastEntry } from './entry.ts';

export interface QueueView {
  readonly user: StoredPlanUser;
  readonly policy: Policy;
  readonly now: Millis;
  /** Returns the notification type of a queued message; undefined: its catalog version cannot be read, or has no such type. */
  findType(delivery: QueuedDelivery): NotificationType | undefined;
}

/** Returns an entry for each notification with queued messages: what their claims will say of them, as things are now. */
export function toQueuedEntries(queued: readonly QueuedDelivery[], view: QueueView): ForecastEntry[] {
  const byNotification = new Map<string, QueuedDelivery[]>();
  for (const delivery of queued) {
    if (CHANNEL_DESCRIPTORS[delivery.channel].isForOthers) continue;
    const own = byNotification.get(delivery.notificationId);
    if (own) own.push(delivery);
    else byNotification.set(delivery.notificationId, [delivery]);
  }
  return [...byNotification.values()].map((own) => toEntry(own, view));
}

function toEntry(own: readonly QueuedDelivery[], view: QueueView): ForecastEntry {
  const [first] = own as readonly [QueuedDelivery];
  const { type, rule, notificationId } = first;
  const channels = own.map((delivery) => toChannel(delivery, view));
  const sent = channels.filter(({ state }) => state === 'goes' || state === 'waits');
  const fallbacks = channels.filter(({ state }) => state === 'fallback');
  const isSent = sent.length > 0 || fallbacks.length > 0;
  const counted = sent.length > 0 ? sent : channels;
  const held = channels.find(({ state }) => state === 'held_back');
  return {
    at: Math.min(...counted.map((one) => one.at)),
    type,
    rule: isOfRequest(rule) || getFoldedType(rule) !== undefined ? null : rule,
    source: 'delivery',
    waitId: null,
    notificationId,
    certainty: sent.length === 0 && isSent ? 'if_nothing_else_happens' : 'scheduled',
    outcome: isSent ? 'send' : 'held_back',
    why: describeQueued(first, view.now),
    code: isSent ? 'matched' : (held?.code ?? 'matched'),
    reason: isSent ? 'It is decided and waits in the queue.' : (held?.reason ?? ''),
    channels,
  };
}

function toChannel(delivery: QueuedDelivery, { user, policy, now, findType }: QueueView): ForecastChannel {
  const { channel, dueAt, holdCode, expiresAt, priority } = delivery;
  const at = Math.max(dueAt, now);
  if (holdCode === 'fallback') return { channel, state: 'fallback', at, code: null, reason: null };
  const type = findType(delivery);
  const terms = user.terms ?? NO_TERMS;
  const ids = { byKind: user.addressHashes };
  const about = { ...user, isBoundTo: isBoundTo.bind(undefined, ids, user.profile) };
  const replanned = type && replanChannel({ type, terms, policy, user: about, now: at, expiresAt, priority }, channel);
  if (replanned) {
    const { verdict } = replanned;
    const text = describeVerdict(verdict);
    const reason = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
    if (verdict.verdict === 'drop') return { channel, state: 'held_back', at, code: verdict.code, reason };
    return { channel, state: 'waits', at: replanned.dueAt, code: verdict.code, reason };
  }
  if (holdCode !== null && !isHoldOver(holdCode, dueAt, now)) {
    return { channel, state: 'waits', at, code: holdCode, reason: `It waits until ${formatTime(at)}.` };
  }
  return { channel, state: 'goes', at, code: null, reason: null };
}

function describeQueued({ rule, attempts, holdCode, dueAt }: QueuedDelivery, now: Millis): string {
  const origin = isOfRequest(rule) ? 'A request asked for it' : `${getFoldedType(rule) ?? rule} decided it`;
  if (attempts > 0)
    return `${origin}; it was tried ${attempts === 1 ? 'once' : `${attempts} times`}, and is tried again on ${formatTime(Math.max(dueAt, now))}.`;
  if (holdCode === null || isHoldOver(holdCode, dueAt, now)) return `${origin}; it is in the queue.`;
  return `${origin}; it is held until ${formatTime(Math.max(dueAt, now))}.`;
}
