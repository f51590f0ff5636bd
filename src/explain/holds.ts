import { joinWords } from '../lib/text/join-words.ts';
import { BATCH_PAUSED } from '../model/batch.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Millis } from '../model/event.ts';
import { type DeliveryHoldCode, HOLD_ENDS, type HoldEnd, isHoldOver, RESTORE_PAUSED } from '../model/hold-codes.ts';
import type { Verdict } from '../model/plan.ts';
import { formatTime } from '../rules/reasons.ts';
import type { StoredBatch } from '../store/batches/batches.ts';
import type { DeliveryView, NotificationView } from '../store/deliveries/delivery-views.ts';
import type { QueuedFacts } from '../store/deliveries/queued-facts.ts';
import { isoTime } from '../time/iso-time.ts';
import {
  type HoldSources,
  isPausedWithEmails,
  loadNotificationHolds,
  type NotificationHolds,
  type Outage,
} from './hold-facts.ts';

/** The hold of a message, as things are now. */
export interface Hold {
  readonly code: DeliveryHoldCode | typeof RESTORE_PAUSED | 'cancelled' | 'expired';
  /** As of HOLD_ENDS, by what is known now: emails that are paused wait until someone ends that. `lost`: it does not go at all. */
  readonly end: HoldEnd | 'lost';
  /** When it goes (`due`) or is tried again (`looked`); null: no time says so. */
  readonly until: Millis | null;
  readonly sentence: string;
}

/** A message, and everything that may hold it. */
export interface Held extends NotificationHolds {
  readonly own: Omit<QueuedFacts, 'channel' | 'target'>;
  readonly delivery: Pick<DeliveryView, 'channel' | 'target' | 'hold_code' | 'due_at' | 'decided_by'>;
}

/**
 * Returns a sentence for each queued delivery of a notification that something holds, by the id of the delivery: what holds it now, and
 * until when. The code of its row says what held it when it was last looked at; what is true now is asked here, and nowhere else.
 */
export async function findHolds(
  sources: HoldSources,
  tenantId: string,
  notification: NotificationView,
): Promise<ReadonlyMap<string, string>> {
  const queued = notification.deliveries.filter(({ status }) => status === 'queued');
  if (queued.length === 0) return new Map();
  const { holds, find } = await loadNotificationHolds(sources, tenantId, notification);
  const found = new Map<string, string>();
  for (const delivery of queued) {
    const own = find(delivery);
    const hold = own && describeHold({ ...holds, own, delivery });
    if (hold !== undefined) found.set(delivery.delivery_id, hold.sentence);
  }
  return found;
}

/** Describes what holds a queued delivery now; undefined: it waits for its turn in the queue alone. */
export function describeHold(held: Held): Hold | undefined {
  const { now, batch, own, delivery } = held;
  const { hold_code: code, due_at: until } = delivery;
  const dueAt = Date.parse(until);
  if (own.expiresAt !== null && own.expiresAt < now) {
    const sentence = `It expired on ${formatTime(isoTime(own.expiresAt))} and no longer goes ${toWay(held)}.`;
    return { code: 'expired', end: 'lost', until: null, sentence };
  }
  const restored = describeRestored(held);
  if (restored) return restored;
  if (batch?.state === 'cancelled') {
    const sentence = `It is about to be cancelled, as its batch ${describeBatch(batch)}.`;
    return { code: 'cancelled', end: 'lost', until: null, sentence };
  }
  const known = code !== null && Object.hasOwn(HOLD_ENDS, code) ? (code as DeliveryHoldCode) : undefined;
  if (known === 'fallback' && dueAt > now) return describeTurn(held, until);
  // A claim asks for these first, whatever held the message before.
  const isLookedAt = known === undefined ? dueAt <= now : isHoldOver(known, dueAt, now);
  const paused = isLookedAt || known === BATCH_PAUSED ? describePausedBatch(held) : undefined;
  if (paused) return paused;
  const isReleased = known === BATCH_PAUSED;
  if (isLookedAt || isReleased) return describeDue(held, isReleased);
  if (known === undefined) return undefined;
  const isOfAccount = known === 'account_paused';
  return (
    (known === 'sending_paused' ? describePausedEmails(held) : undefined) ??
    (known.startsWith('endpoint_') ? describeDisabled(held) : undefined) ??
    (isOfAccount ? describeOutage(held, dueAt) : undefined) ??
    describeCode(held, known, until)
  );
}

/**
 * Describes what a message to a user will meet when it is due, as things are now, and what lasts until someone ends it: a pause of the
 * installation, of its batch or of its emails. Undefined: nothing of these.
 */
export function describePause(held: Held): Hold | undefined {
  return describeRestored(held) ?? describePausedBatch(held) ?? describePausedEmails(held);
}

function describeRestored(held: Held): Hold | undefined {
  const { restored, own } = held;
  if (!restored) return undefined;
  const cause = `the pause of the installation since its restore on ${formatTime(restored.since)}`;
  return describeEnded(held, RESTORE_PAUSED, cause, 'an operator resumes it', own.expiresAt);
}

function describePausedBatch(held: Held): Hold | undefined {
  const { batch, own } = held;
  if (batch?.state !== 'paused') return undefined;
  const cause = `the pause of its batch ${describeBatch(batch)}`;
  return describeEnded(held, BATCH_PAUSED, cause, 'the batch is resumed or cancelled', own.expiresAt);
}

/** Describes what holds a delivery that is due, or that its batch is about to make due. */
function describeDue(held: Held, isReleased: boolean): Hold | undefined {
  const { now, batch } = held;
  const hold = describePausedEmails(held) ?? describeDisabled(held) ?? describeOutage(held, now);
  if (hold !== undefined || !isReleased) return hold;
  const which = batch ? ` ${describeBatch(batch)}` : '';
  const sentence = `It was held for the pause of its batch${which}, which is over, and is about to go ${toWay(held)}.`;
  return { code: BATCH_PAUSED, end: 'due', until: now, sentence };
}

function describeTurn(held: Held, turn: string): Hold {
  const until = Date.parse(turn);
  const loss = findLoss(held.own.expiresAt, null, until);
  const waits = `It waits for its turn to go ${toWay(held)} until ${formatTime(turn)}: the channels before it come first`;
  return loss
    ? { code: 'fallback', end: 'lost', until: null, sentence: `${waits}, and it ${loss} before that.` }
    : { code: 'fallback', end: 'due', until, sentence: `${waits}.` };
}

function describePausedEmails(held: Held): Hold | undefined {
  const { standing, own, delivery } = held;
  if (!standing || !isPausedWithEmails(delivery)) return undefined;
  const which = standing.notificationType === '' ? 'all emails' : `emails of ${standing.notificationType}`;
  const since = formatTime(isoTime(standing.pausedAt ?? standing.alertedAt));
  const loss = findLoss(own.expiresAt, own.retryUntil, Number.POSITIVE_INFINITY);
  const sentence = `It is held for the pause of ${which} since ${since} (${endWithout(standing.cause)}), and does not go ${toWay(held)} until someone lets these emails be sent again; it ${loss} if that has not happened.`;
  return { code: 'sending_paused', end: 'ended', until: null, sentence };
}

/** Describes the hold by a webhook endpoint that is disabled, or was when the message was last due; undefined: that is not so. */
function describeDisabled(held: Held): Hold | undefined {
  const { delivery, own } = held;
  if (CHANNEL_DESCRIPTORS[delivery.channel].targets !== 'endpoints' || delivery.target === '') return undefined;
  if (own.endpointState === 'disabled') {
    const cause = 'its webhook endpoint, which is disabled';
    const end = 'the endpoint is active again and a replay sends it';
    return describeEnded(held, 'endpoint_disabled', cause, end, own.expiresAt);
  }
  if (delivery.hold_code !== 'endpoint_disabled' || own.endpointState === null) return undefined;
  const loss = findLoss(own.expiresAt, null, Number.POSITIVE_INFINITY);
  const sentence = `It was kept while its webhook endpoint was disabled; a replay sends it${loss ? `, before it ${loss}` : ''}.`;
  return { code: 'endpoint_disabled', end: 'ended', until: null, sentence };
}

/** @param from when it is tried again at the earliest, if the outage ends before */
function describeOutage(held: Held, from: Millis): Hold | undefined {
  const { findOutages, now, own, delivery } = held;
  const outages = findOutages(delivery.channel, own.service);
  const [next] = outages;
  if (!next) return undefined;
  const until = Math.max(from, Date.parse(next.next_probe_at));
  // Its last attempt is due once that time is over, unless its account is out then.
  const retryUntil = own.retryUntil > now ? own.retryUntil : null;
  const loss = findLoss(own.expiresAt, retryUntil, until);
  return describeLooked(held, 'account_paused', describeOutages(next, outages), until, loss);
}

function describeOutages({ provider, account, since, cause }: Outage, outages: readonly Outage[]): string {
  const why = `(${endWithout(cause)})`;
  if (outages.length === 1) {
    const of = account === null ? `provider ${provider} of the installation` : `account ${account} (${provider})`;
    return `the ${of}, by which nothing is sent since ${formatTime(since)} ${why}`;
  }
  const names = outages.map((one) => one.account ?? `${one.provider} of the installation`);
  const latest = outages.reduce((last, one) => (one.since > last ? one.since : last), since);
  const which = names.length > MAX_NAMED ? `${names.length} accounts` : `accounts ${joinWords(names)}`;
  return `an outage: none of the ${which} sends since ${formatTime(latest)}; ${names[0]} is tried first ${why}`;
}

/** Accounts that a sentence names, at most. */
const MAX_NAMED = 5;

/** Describes what held a delivery when it was last looked at, which nothing else says. */
function describeCode(held: Held, code: DeliveryHoldCode, due: string): Hold {
  const { own, delivery } = held;
  const cause = toCause(delivery, code);
  const until = Date.parse(due);
  const loss = findLoss(own.expiresAt, null, until);
  const how = toWay(held);
  switch (HOLD_ENDS[code]) {
    case 'due':
      return loss
        ? {
            code,
            end: 'lost',
            until: null,
            sentence: `It is held for ${cause}, and it ${loss}, before it may go ${how}.`,
          }
        : {
            code,
            end: 'due',
            until,
            sentence: `It is held until ${formatTime(due)} for ${cause}, and is to go ${how} then.`,
          };
    case 'looked':
      return describeLooked(held, code, cause, until, loss);
    case 'ended':
      return { code, end: 'ended', until: null, sentence: `It is held for ${cause}.` };
  }
}

/** Describes a hold whose end is found when the message is tried again. */
function describeLooked(
  held: Held,
  code: DeliveryHoldCode,
  cause: string,
  until: Millis,
  loss: string | undefined,
): Hold {
  const how = toWay(held);
  if (loss) {
    const sentence = `It is held for ${cause}; it ${loss}, before it is tried again ${how}.`;
    return { code, end: 'lost', until: null, sentence };
  }
  const sentence = `It is held for ${cause}; it is tried again ${how} on ${formatTime(isoTime(until))}.`;
  return { code, end: 'looked', until, sentence };
}

/** Describes a hold that someone has to end. @param end follows "until" */
function describeEnded(held: Held, code: Hold['code'], cause: string, end: string, expiresAt: Millis | null): Hold {
  const waits = `It is held for ${cause}, and does not go ${toWay(held)} until ${end}`;
  const loss = findLoss(expiresAt, null, Number.POSITIVE_INFINITY);
  const sentence = loss
    ? `${waits}; it ${loss} if that has not happened.`
    : `${waits}: the hold has no end of its own.`;
  return { code, end: 'ended', until: null, sentence };
}

/** Returns the way of a message: `by email`. */
function toWay({ delivery }: Held): string {
  return CHANNEL_DESCRIPTORS[delivery.channel].phrase;
}

/** Says when a delivery is lost before a time: `expires on …` or `fails on …`; undefined: it is not. */
function findLoss(expiresAt: Millis | null, retryUntil: Millis | null, before: Millis): string | undefined {
  const [expiry, end] = [expiresAt ?? Number.POSITIVE_INFINITY, retryUntil ?? Number.POSITIVE_INFINITY];
  const at = Math.min(expiry, end);
  if (at >= before) return undefined;
  return `${expiry <= end ? 'expires' : 'fails'} on ${formatTime(isoTime(at))}`;
}

function toCause(delivery: Held['delivery'], code: DeliveryHoldCode): string {
  const verdict = findVerdict(delivery, code);
  switch (code) {
    case 'paused':
      return verdict
        ? `${String(verdict.value)}${verdict.since === null ? '' : ` since ${formatTime(verdict.since)}`}`
        : 'a pause of the messages to its user';
    case 'quiet_hours':
      return verdict ? `the quiet hours ${String(verdict.value)}` : 'quiet hours';
    case 'legal_hours':
      return verdict ? `the hours of the law, ${String(verdict.value)}` : 'the hours in which the law allows it';
    case 'rate_limited':
      return verdict
        ? `the limit of messages to its user, ${String(verdict.value)}`
        : 'a rate limit of the account by which it goes, or of its user';
    default:
      return CAUSES[code];
  }
}

/** In the past: what was seen when it was last tried, which may be over. */
const CAUSES = {
  fallback: 'the channels before it',
  batch_paused: 'the pause of its batch',
  sending_paused: 'a pause of emails, which is over',
  account_paused: 'the account by which it goes, which was paused when it was last tried',
  domain_paused: "the servers of the recipient's domain, which did not respond when it was last tried",
  endpoint_disabled: 'its webhook endpoint, which was disabled and no longer exists',
  endpoint_order: 'an older message to its webhook endpoint, which came first when it was last tried',
  endpoint_rate: 'the rate limit of its webhook endpoint',
  endpoint_busy: 'its webhook endpoint, which was busy with other messages when it was last tried',
};

/** Returns the verdict of the plan that holds a delivery now; undefined: an earlier one, or another thing holds it. */
function findVerdict({ decided_by: verdict, due_at: dueAt }: Held['delivery'], code: string): Verdict | undefined {
  if (verdict?.verdict !== 'hold' || verdict.code !== code) return undefined;
  // An account may have a limit as well, after that of the user.
  return code === 'rate_limited' && verdict.until !== dueAt ? undefined : verdict;
}

function describeBatch({ batchId, name, reason }: StoredBatch): string {
  const which = name === null ? batchId : `${name} (${batchId})`;
  return `${which}${reason === null ? '' : `, because of: ${endWithout(reason)}`}`;
}

/** Returns a sentence as a part of another one. */
function endWithout(sentence: string): string {
  return sentence.replace(/[.]$/, '');
}
