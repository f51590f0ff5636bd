import { describeHold, describePause, type Held } from '../explain/holds.ts';
import type { NotificationType } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Millis } from '../model/event.ts';
import { getFoldedType } from '../model/frequency.ts';
import { HOLD_ENDS, type HoldEnd } from '../model/hold-codes.ts';
import type { Policy } from '../model/preferences.ts';
import { NO_TERMS } from '../model/terms.ts';
import { replanChannel } from '../plan/replan.ts';
import { formatTime } from '../rules/reasons.ts';
import type { QueuedDelivery } from '../store/deliveries/queued-of-user.ts';
import type { StoredPlanUser } from '../store/terms.ts';
import { isBoundTo } from '../users/address-ids.ts';
import { isOfRequest, summarize, toSentence } from './collect-entries.ts';
import type { ForecastChannel, ForecastEntry } from './entry.ts';

export interface QueueView {
  readonly user: StoredPlanUser;
  readonly policy: Policy;
  readonly now: Millis;
  /** Returns what may hold a queued message. */
  toHeld(delivery: QueuedDelivery): Held;
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
  const { sent, isSure, held = channels.find(({ state }) => state === 'held_back') } = summarize(channels);
  const isSent = sent.length > 0;
  return {
    at: Math.min(...(isSent ? sent : channels).map((one) => one.at)),
    type,
    rule: isOfRequest(rule) || getFoldedType(rule) !== undefined ? null : rule,
    source: 'delivery',
    waitId: null,
    notificationId,
    certainty: isSent && !isSure ? 'if_nothing_else_happens' : 'scheduled',
    outcome: isSent ? 'send' : 'held_back',
    why: describeQueued(first, channels[0] as ForecastChannel),
    code: isSent ? 'matched' : (held?.code ?? 'matched'),
    reason: isSent ? 'It is decided and waits in the queue.' : (held?.reason ?? ''),
    channels,
  };
}

function toChannel(delivery: QueuedDelivery, view: QueueView): ForecastChannel {
  const { user, policy, now, findType } = view;
  const { channel, dueAt, holdCode, expiresAt, priority } = delivery;
  const at = Math.max(dueAt, now);
  const held = view.toHeld(delivery);
  const hold = describeHold(held);
  if (hold?.end === 'lost') return { channel, state: 'held_back', at: now, code: hold.code, reason: hold.sentence };
  const type = findType(delivery);
  const terms = user.terms ?? NO_TERMS;
  const ids = { byKind: user.addressHashes };
  const about = { ...user, isBoundTo: isBoundTo.bind(undefined, ids, user.profile) };
  const replanned = type && replanChannel({ type, terms, policy, user: about, now: at, expiresAt, priority }, channel);
  const isFallback = holdCode === 'fallback' && dueAt > now;
  if (replanned?.verdict.verdict === 'drop' && !isFallback)
    return { channel, state: 'held_back', at, code: replanned.verdict.code, reason: toSentence(replanned.verdict) };
  // A hold with a time may be followed by one without.
  const lasting = hold?.end === 'ended' ? hold : describePause(held);
  if (lasting) return { channel, state: 'held', at: now, code: lasting.code, reason: lasting.sentence };
  if (isFallback) return { channel, state: 'fallback', at, code: null, reason: hold?.sentence ?? null };
  if (replanned)
    return {
      channel,
      state: 'waits',
      at: replanned.dueAt,
      code: replanned.verdict.code,
      reason: toSentence(replanned.verdict),
    };
  if (!hold) return { channel, state: 'goes', at, code: null, reason: null };
  return { channel, state: 'waits', at: hold.until ?? at, code: hold.code, reason: hold.sentence };
}

function describeQueued({ rule, attempts }: QueuedDelivery, { state, at, code }: ForecastChannel): string {
  const origin = isOfRequest(rule) ? 'A request asked for it' : `${getFoldedType(rule) ?? rule} decided it`;
  const tried = attempts === 1 ? 'once' : `${attempts} times`;
  const past = attempts === 0 ? '; it' : `; it was tried ${tried}, and`;
  if (state === 'held') return `${origin}${past} is held.`;
  if (state === 'held_back') return `${origin}; it ${attempts === 0 ? 'is in the queue' : `was tried ${tried}`}.`;
  if (attempts > 0 || (state === 'waits' && isLooked(code)))
    return `${origin}${past} is tried again on ${formatTime(at)}.`;
  return `${origin}; ${state === 'waits' ? `it is held until ${formatTime(at)}` : 'it is in the queue'}.`;
}

/** Whether a hold ends when the message is tried again. */
function isLooked(code: string | null): boolean {
  const ends: { readonly [code: string]: HoldEnd } = HOLD_ENDS;
  return code !== null && ends[code] === 'looked';
}
