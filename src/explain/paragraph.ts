import { joinWords } from '../lib/text/join-words.ts';
import type { Answer } from '../model/answer.ts';
import type { Rule } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { type Channel, type DeliveryStatus, getSubstitute } from '../model/delivery.ts';
import { DIRECT_RULE } from '../model/direct.ts';
import type { ReceiptFlag, ReceiptState } from '../model/receipt.ts';
import { formatTime } from '../rules/reasons.ts';

/** Everything stored about one user and one notification type that an explanation considers. */
export interface Considered {
  readonly userId: string;
  readonly notificationType: string;
  /** True if any event of the user was ever accepted. */
  readonly known: boolean;
  readonly catalogVersion: number;
  /** Rules of the active catalog that send the notification type. */
  readonly rules: readonly Rule[];
  /** Latest decisions, newest first. */
  readonly decisions: readonly ConsideredDecision[];
  /** Latest decision to send, of any age. */
  readonly latestSend: ConsideredDecision | null;
  /** Whether all events of the user were examined; otherwise only the latest, and every number is a lower bound. */
  readonly isComplete: boolean;
  /**
   * Numbers of the stored decisions that were examined: those to send, those not to send (the end of a wait counts, its
   * beginning does not), and by rule how often it considered a trigger, whatever came of it.
   */
  readonly counts: {
    readonly sends: number;
    readonly others: number;
    readonly considered: ReadonlyMap<string, number>;
  };
  /** Rules that decided only about other notification types (another branch or variant), with the number of decisions. */
  readonly elsewhere: ReadonlyMap<string, number>;
  /** Scheduled rules whose audience does not include the user. */
  readonly outside: ReadonlySet<string>;
  readonly deliveries: readonly {
    readonly notification_id: string;
    readonly channel: string;
    readonly status: DeliveryStatus;
    readonly provider: string | null;
    readonly reason: string | null;
    readonly finished_at: string | null;
    /** A sentence on what holds it; absent: nothing does. */
    readonly hold?: string;
    /** Absent: not loaded. */
    readonly attempts?: readonly { readonly outcome: string; readonly reason: string | null }[];
    /** Null or absent: no receipt says anything. */
    readonly receipt_state?: ReceiptState | null;
    readonly receipt_flags?: readonly ReceiptFlag[];
  }[];
  /** Numbers and latest times of received events, for the types that the rules name. */
  readonly seen: ReadonlyMap<string, { readonly count: number; readonly latest: string }>;
  /** Rejected events of the user, newest first. */
  readonly rejected: readonly {
    readonly event_type: string | null;
    readonly message: string;
    readonly times: number;
    readonly last_at: string;
  }[];
}

interface ConsideredDecision {
  readonly outcome: string;
  readonly reason_code: string;
  readonly reason: string;
  readonly rule: string;
  /** The event whose arrival led to the decision, or that started the wait. */
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  /** The trigger first, then the events that completed the pattern. */
  readonly event_ids: readonly string[];
  readonly notification_id: string | null;
}

/** Returns the answer, and a paragraph that a support agent can read aloud to the user. */
export function writeExplanation(considered: Considered): { answer: Answer; paragraph: string } {
  const { latestSend: latest } = considered;
  if (!latest) {
    return { answer: toAnswerWithoutSend(considered), paragraph: describeNotSent(considered).join(' ') };
  }
  const deliveries = considered.deliveries.filter((one) => one.notification_id === latest.notification_id);
  const answer = toAnswer(deliveries);
  const parts = [
    ...(answer === 'not_delivered' ? [describeNotDelivered(considered, deliveries)] : []),
    ...describeDecided(considered, latest),
    ...deliveries.map(describeDelivery),
    ...(answer === 'sent' ? [] : describeSentBefore(considered)),
    ...describeConsidered(considered),
  ];
  return { answer, paragraph: parts.join(' ') };
}

type Deliveries = Considered['deliveries'];

/**
 * Returns the latest decision. A moved reminder leaves two decisions on one event, and the new wait says more than the
 * superseded one. An event that came too late changed nothing.
 */
function findLatest(decisions: Considered['decisions']): ConsideredDecision | undefined {
  return decisions.find(({ reason_code: code }) => code !== 'superseded' && code !== 'too_late') ?? decisions[0];
}

function toAnswerWithoutSend({ known, decisions, rejected }: Considered): Answer {
  if (findLatest(decisions)?.outcome === 'scheduled') return 'waiting';
  return known || decisions.length > 0 || rejected.length > 0 ? 'not_sent' : 'unknown_user';
}

function toAnswer(deliveries: Deliveries): Answer {
  const some = (...statuses: readonly DeliveryStatus[]) => deliveries.some(({ status }) => statuses.includes(status));
  if (deliveries.some(hasLeft)) return 'sent';
  if (some('queued', 'sending')) return 'on_its_way';
  return deliveries.length > 0 && deliveries.every(isKeptHere) ? 'sandboxed' : 'not_delivered';
}

/** Whether the message went to its channel. */
function hasLeft({ status, provider, channel }: Deliveries[number]): boolean {
  return status === 'sent' && getSubstitute(provider, channel) === undefined;
}

function isKeptHere(delivery: Deliveries[number]): boolean {
  return delivery.status === 'sandboxed' || (delivery.status === 'sent' && !hasLeft(delivery));
}

function describeNotDelivered({ userId, notificationType }: Considered, deliveries: Deliveries): string {
  return deliveries.some(({ status }) => status === 'in_doubt')
    ? `It is not known whether ${notificationType} was delivered to ${userId}.`
    : `${notificationType} was not delivered to ${userId}.`;
}

/** Returns the beginning of a sentence: the rule, or that a request or a batch asked for it. */
function nameDecider({ rule }: ConsideredDecision): string {
  return rule === DIRECT_RULE ? 'A request' : `The rule ${rule}`;
}

function describeDecided(
  { userId, notificationType, counts, isComplete }: Considered,
  latest: ConsideredDecision,
): string[] {
  const often = counts.sends === 1 ? '' : ` ${countTimes(counts.sends, isComplete)}`;
  return [
    `${nameDecider(latest)} decided${often} to send ${notificationType} to ${userId}${describeLatest(counts.sends, latest)}.`,
    latest.reason,
  ];
}

/** Describes the latest delivery sent for an earlier decision; used if the latest decision led to no delivery. */
function describeSentBefore({ deliveries }: Considered): string[] {
  const before = deliveries
    .filter(hasLeft)
    .reduce<Deliveries[number] | undefined>(
      (last, one) => ((last?.finished_at ?? '') > (one.finished_at ?? '') ? last : one),
      undefined,
    );
  return before ? [`An earlier one ${describeSent(before)}`] : [];
}

function describeConsidered({ decisions, counts, isComplete }: Considered): string[] {
  const latest = decisions.find(({ outcome }) => outcome !== 'send' && outcome !== 'scheduled');
  const considered = `It was also considered ${countTimes(counts.others, isComplete)} without being sent`;
  // An event that came too late was not considered; its sentence says what it would have done.
  const isLate = latest?.reason_code === 'too_late';
  if (!latest || isLate) return [...(counts.others > 0 ? [`${considered}.`] : []), ...(latest ? [latest.reason] : [])];
  return [`${considered}${describeLatest(counts.others, latest)}.`, latest.reason];
}

function describeNotSent(considered: Considered): string[] {
  const { userId, notificationType, known, decisions, rules, catalogVersion, rejected } = considered;
  const latest = findLatest(decisions);
  const yet = latest?.outcome === 'scheduled' ? 'has not been sent' : 'was not sent';
  const parts = [`${notificationType} ${yet} to ${userId}${latest?.outcome === 'scheduled' ? ' yet' : ''}.`];
  if (latest) {
    const count = considered.counts.considered.get(latest.rule) ?? 1;
    parts.push(
      `${nameDecider(latest)} considered it ${countTimes(count, considered.isComplete)}${describeLatest(count, latest)}. ${latest.reason}`,
      ...describeRejected(considered),
    );
    return parts;
  }
  if (rules.length === 0) parts.push(`No rule of catalog version ${catalogVersion} sends it.`);
  if (!known) {
    parts.push(`Nothing is known of ${userId}: no event was ever ${rejected.length > 0 ? 'accepted' : 'received'}.`);
  }
  parts.push(...describeRejected(considered));
  for (const rule of rules) parts.push(...describeTrigger(rule, considered));
  return parts;
}

/** Returns the event types that trigger the rules or form their patterns. */
export function getAwaitedTypes(rules: readonly Rule[]): Set<string> {
  return new Set(rules.flatMap(({ on, after }) => [...on, ...after.map(({ event }) => event)]));
}

/** Describes events that the rules wait for but that were rejected. */
function describeRejected({ rules, rejected }: Considered): string[] {
  const types = getAwaitedTypes(rules);
  const relevant = rejected.filter(({ event_type: type }) => type === null || types.has(type));
  const [latest] = relevant;
  if (!latest) return [];
  const count = relevant.reduce((sum, one) => sum + one.times, 0);
  const which = latest.event_type ?? 'An event';
  const what =
    count === 1
      ? `${which} was rejected`
      : `${which} was rejected, as ${count - 1} more of these events ${count === 2 ? 'was' : 'were'}, the latest`;
  return [`${what} on ${formatTime(latest.last_at)}: ${latest.message.replace(/\.$/, '')}.`];
}

/** Describes why a rule had nothing to decide. */
function describeTrigger(rule: Rule, considered: Considered): string[] {
  const { userId, known, seen, rejected } = considered;
  const { name, on, after, about } = rule;
  const elsewhere = considered.elsewhere.get(name);
  if (elsewhere) {
    return [
      `The rule ${name} decided ${countTimes(elsewhere, considered.isComplete)} about ${userId}, each time for another branch or variant.`,
    ];
  }
  const received = on.filter((type) => seen.has(type));
  if (received.length > 0 && about) {
    return [
      `The rule ${name} is triggered by ${on.join(' or ')} when it is about ${about.join(' or ')}; the events received were about other notifications, or arrived before this rule was active.`,
    ];
  }
  if (received.length > 0) {
    return received.map((type) => {
      const { count, latest } = seen.get(type) as { count: number; latest: string };
      const when = `${count === 1 ? '' : 'the latest time '}on ${formatTime(latest)}`;
      return `The rule ${name} is triggered by ${type}, which was received ${countTimes(count, considered.isComplete)}, ${when}, before this rule was active.`;
    });
  }
  if (rule.every) {
    const audience = rule.audience === undefined ? '' : ` for users with ${rule.audience}`;
    const why = considered.outside.has(name) ? `${userId} is not among them` : `it has not reached ${userId} yet`;
    return [`The rule ${name} runs every ${rule.every.text}${audience}; ${why}.`];
  }
  const changes = (rule.changes ?? []).map(
    ({ trait, to }) => `a change of ${trait}${to === undefined ? '' : ` to ${JSON.stringify(to)}`}`,
  );
  const came = rejected.some(({ event_type: type }) => type !== null && on.includes(type)) ? 'accepted' : 'received';
  const sentences = [
    `The rule ${name} is triggered by ${[...on, ...changes].join(' or ')}${known ? `, and no such event of ${userId} was ever ${came}` : ''}.`,
  ];
  for (const step of after) {
    const earlier = seen.get(step.event);
    const which = earlier
      ? `which was received on ${formatTime(earlier.latest)}`
      : `which was not received${known ? ' either' : ''}`;
    sentences.push(`It would have to happen within ${step.withinText} after ${step.event}, ${which}.`);
  }
  return sentences;
}

/** Returns when the latest of `count` decisions was made, to follow their number: `, the latest time on paid of …`. */
function describeLatest(count: number, decision: ConsideredDecision): string {
  const { outcome, event_id, event_ids, event_type, event_timestamp } = decision;
  const event = `${event_type} of ${formatTime(event_timestamp)}`;
  // Another event ended the wait, and stands before its trigger: the rule did not consider that one.
  if (outcome === 'cancelled' && event_ids.length > 1) {
    return `; ${count === 1 ? 'its' : 'the latest'} wait ended on ${event}`;
  }
  // The trigger arrived earlier and waited for this event.
  const isLatePart = event_ids.includes(event_id) && event_ids[0] !== event_id;
  return `, ${count === 1 ? '' : 'the latest time '}${isLatePart ? `when ${event} became known` : `on ${event}`}`;
}

function describeDelivery(delivery: Deliveries[number]): string {
  const { status, reason } = delivery;
  const how = describeChannel(delivery);
  const when = describeTime(delivery);
  switch (status) {
    case 'sent':
      return `It ${describeSent(delivery)}${describeRevival(delivery)}`;
    case 'sandboxed':
      return `It was kept in the sandbox${when} instead of going out ${how}.${describeRevival(delivery)}`;
    case 'dropped':
      return `It was not sent ${how}${when}: ${endSentence(reason ?? status)}`;
    case 'queued':
    case 'sending':
      if (delivery.hold !== undefined) return delivery.hold;
      return `It is on its way ${how}${reason ? ` (${reason.replace(/\.$/, '')})` : ''}.`;
    case 'in_doubt':
      return `It is not known whether it was sent ${how}: ${endSentence(reason ?? status)}`;
    case 'cancelled':
      return `It was cancelled before it was sent ${how}${when}${reason ? `: ${endSentence(reason)}` : '.'}`;
    case 'undeliverable':
    case 'dead':
      return `It could not be delivered ${how}${when}: ${endSentence(reason ?? status)}`;
  }
}

/** Ends a reason as a sentence: those of failures are written without a full stop. */
function endSentence(reason: string): string {
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

/** Says that an earlier attempt had no address; empty if none lacked it. */
function describeRevival({ attempts = [] }: Deliveries[number]): string {
  const missed = attempts.find(({ outcome, reason }) => outcome === 'undeliverable' && reason !== null);
  return missed ? ` An earlier attempt was undeliverable: ${missed.reason?.replace(/\.$/, '')}.` : '';
}

function describeSent(delivery: Deliveries[number]): string {
  const substitute = getSubstitute(delivery.provider, delivery.channel);
  if (substitute !== undefined) {
    const how = substitute === 'logged' ? 'written to the log' : 'discarded by the no-op provider';
    return `was ${how}${describeTime(delivery)} instead of going out ${describeChannel(delivery)}.`;
  }
  const sent = `was sent ${describeChannel(delivery)} through ${delivery.provider}${describeTime(delivery)}`;
  return `${sent}.${describeReceipts(delivery)}`;
}

const RECEIPT_PHRASES: { readonly [state in ReceiptState]: string } = {
  unconfirmed: 'The provider has not said what became of it',
  delivered: 'It was delivered',
  partly_delivered: 'Only parts of it were delivered',
  bounced: 'It came back: the provider could not deliver it',
  complained: 'Its reader complained about it',
  failed: 'The provider could not deliver it',
};

/** Acts of a reader, by the flag of the delivery. */
const ACT_PHRASES: { readonly [flag in ReceiptFlag]?: string } = {
  opened: 'opened it',
  clicked: 'clicked a link',
  read: 'read it',
  unsubscribed: 'unsubscribed',
};

/** Says what the receipts of the provider say; empty if they say nothing. */
function describeReceipts({ receipt_state: state, receipt_flags: flags }: Deliveries[number]): string {
  if (!state) return '';
  const acts = (flags ?? []).filter((flag) => !flag.startsWith('machine_'));
  const reader = acts.length === 0 ? '' : ` Its reader ${joinWords(acts.map((act) => ACT_PHRASES[act] ?? act))}.`;
  return ` ${RECEIPT_PHRASES[state]}.${reader}`;
}

function describeChannel({ channel }: Deliveries[number]): string {
  return Object.hasOwn(CHANNEL_DESCRIPTORS, channel) ? CHANNEL_DESCRIPTORS[channel as Channel].phrase : `by ${channel}`;
}

function describeTime({ finished_at }: Deliveries[number]): string {
  return finished_at ? ` on ${formatTime(finished_at)}` : '';
}

function countTimes(count: number, isComplete: boolean): string {
  if (!isComplete) return `at least ${countTimes(count, true)}`;
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
