import { joinWords } from '../lib/text/join-words.ts';
import { BATCH_PAUSED } from '../model/batch.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Millis } from '../model/event.ts';
import { type DeliveryHoldCode, HOLD_ENDS, isHoldOver } from '../model/hold-codes.ts';
import type { Verdict } from '../model/plan.ts';
import { formatTime } from '../rules/reasons.ts';
import type { StoredBatch } from '../store/batches/batches.ts';
import type { DeliveryView, NotificationView } from '../store/deliveries/delivery-views.ts';
import type { QueuedFacts } from '../store/deliveries/queued-facts.ts';
import { isoTime } from '../time/iso-time.ts';
import { type HoldFacts, type HoldSources, isPausedWithEmails, loadHoldFacts, type Outage } from './hold-facts.ts';

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
  const facts = await loadHoldFacts(sources, tenantId, notification);
  const found = new Map<string, string>();
  for (const delivery of queued) {
    const own = facts.find(delivery);
    const hold = own && describeHold({ ...facts, own, delivery, how: CHANNEL_DESCRIPTORS[delivery.channel].phrase });
    if (hold !== undefined) found.set(delivery.delivery_id, hold);
  }
  return found;
}

/** A queued delivery, and everything that may hold it. */
interface Held extends HoldFacts {
  readonly own: QueuedFacts;
  readonly delivery: DeliveryView;
  /** The channel: `by email`. */
  readonly how: string;
}

function describeHold(held: Held): string | undefined {
  const { now, restored, batch, own, delivery, how } = held;
  const { hold_code: code, due_at: until } = delivery;
  const dueAt = Date.parse(until);
  if (own.expiresAt !== null && own.expiresAt < now) {
    return `It expired on ${formatTime(isoTime(own.expiresAt))} and no longer goes ${how}.`;
  }
  if (restored) {
    const cause = `the pause of the installation since its restore on ${formatTime(restored.since)}`;
    return describeEnded(held, cause, 'an operator resumes it', own.expiresAt);
  }
  if (batch?.state === 'cancelled') return `It is about to be cancelled, as its batch ${describeBatch(batch)}.`;
  const known = code !== null && Object.hasOwn(HOLD_ENDS, code) ? (code as DeliveryHoldCode) : undefined;
  if (known === 'fallback' && dueAt > now) return describeTurn(held, until);
  // A claim asks for these first, whatever held the message before.
  const isLookedAt = known === undefined ? dueAt <= now : isHoldOver(known, dueAt, now);
  if (batch?.state === 'paused' && (isLookedAt || known === BATCH_PAUSED)) {
    const cause = `the pause of its batch ${describeBatch(batch)}`;
    return describeEnded(held, cause, 'the batch is resumed or cancelled', own.expiresAt);
  }
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

/** Describes what holds a delivery that is due, or that its batch is about to make due. */
function describeDue(held: Held, isReleased: boolean): string | undefined {
  const { now, batch, how } = held;
  const hold = describePausedEmails(held) ?? describeDisabled(held) ?? describeOutage(held, now);
  if (hold !== undefined || !isReleased) return hold;
  const which = batch ? ` ${describeBatch(batch)}` : '';
  return `It was held for the pause of its batch${which}, which is over, and is about to go ${how}.`;
}

function describeTurn({ own, how }: Held, until: string): string {
  const [turn, loss] = [formatTime(until), findLoss(own.expiresAt, null, Date.parse(until))];
  const waits = `It waits for its turn to go ${how} until ${turn}: the channels before it come first`;
  return loss ? `${waits}, and it ${loss} before that.` : `${waits}.`;
}

function describePausedEmails({ standing, own, delivery, how }: Held): string | undefined {
  if (!standing || !isPausedWithEmails(delivery)) return undefined;
  const which = standing.notificationType === '' ? 'all emails' : `emails of ${standing.notificationType}`;
  const since = formatTime(isoTime(standing.pausedAt ?? standing.alertedAt));
  const loss = findLoss(own.expiresAt, own.retryUntil, Number.POSITIVE_INFINITY);
  return `It is held for the pause of ${which} since ${since} (${endWithout(standing.cause)}), and does not go ${how} until someone lets these emails be sent again; it ${loss} if that has not happened.`;
}

/** Describes the hold by a webhook endpoint that is disabled, or was when the message was last due; undefined: that is not so. */
function describeDisabled(held: Held): string | undefined {
  const { delivery, own } = held;
  if (CHANNEL_DESCRIPTORS[delivery.channel].targets !== 'endpoints' || delivery.target === '') return undefined;
  if (own.endpointState === 'disabled') {
    const cause = 'its webhook endpoint, which is disabled';
    return describeEnded(held, cause, 'the endpoint is active again and a replay sends it', own.expiresAt);
  }
  if (delivery.hold_code !== 'endpoint_disabled' || own.endpointState === null) return undefined;
  const loss = findLoss(own.expiresAt, null, Number.POSITIVE_INFINITY);
  return `It was kept while its webhook endpoint was disabled; a replay sends it${loss ? `, before it ${loss}` : ''}.`;
}

/** @param from when it is tried again at the earliest, if the outage ends before */
function describeOutage({ findOutages, now, own, delivery, how }: Held, from: Millis): string | undefined {
  const outages = findOutages(delivery.channel, own.service);
  const [next] = outages;
  if (!next) return undefined;
  const until = Math.max(from, Date.parse(next.next_probe_at));
  // Its last attempt is due once that time is over, unless its account is out then.
  const retryUntil = own.retryUntil > now ? own.retryUntil : null;
  return describeLooked(describeOutages(next, outages), how, until, findLoss(own.expiresAt, retryUntil, until));
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
function describeCode({ own, delivery, how }: Held, code: DeliveryHoldCode, until: string): string {
  const cause = toCause(delivery, code);
  const loss = findLoss(own.expiresAt, null, Date.parse(until));
  switch (HOLD_ENDS[code]) {
    case 'due':
      return loss
        ? `It is held for ${cause}, and it ${loss}, before it may go ${how}.`
        : `It is held until ${formatTime(until)} for ${cause}, and is to go ${how} then.`;
    case 'looked':
      return describeLooked(cause, how, Date.parse(until), loss);
    case 'ended':
      return `It is held for ${cause}.`;
  }
}

function describeLooked(cause: string, how: string, until: Millis, loss: string | undefined): string {
  return loss
    ? `It is held for ${cause}; it ${loss}, before it is tried again ${how}.`
    : `It is held for ${cause}; it is tried again ${how} on ${formatTime(isoTime(until))}.`;
}

/** Describes a hold that someone has to end. @param end follows "until" */
function describeEnded({ how }: Held, cause: string, end: string, expiresAt: Millis | null): string {
  const held = `It is held for ${cause}, and does not go ${how} until ${end}`;
  const loss = findLoss(expiresAt, null, Number.POSITIVE_INFINITY);
  return loss ? `${held}; it ${loss} if that has not happened.` : `${held}: the hold has no end of its own.`;
}

/** Says when a delivery is lost before a time: `expires on …` or `fails on …`; undefined: it is not. */
function findLoss(expiresAt: Millis | null, retryUntil: Millis | null, before: Millis): string | undefined {
  const [expiry, end] = [expiresAt ?? Number.POSITIVE_INFINITY, retryUntil ?? Number.POSITIVE_INFINITY];
  const at = Math.min(expiry, end);
  if (at >= before) return undefined;
  return `${expiry <= end ? 'expires' : 'fails'} on ${formatTime(isoTime(at))}`;
}

function toCause(delivery: DeliveryView, code: DeliveryHoldCode): string {
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
function findVerdict({ decided_by: verdict, due_at: dueAt }: DeliveryView, code: string): Verdict | undefined {
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
