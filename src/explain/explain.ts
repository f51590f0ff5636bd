import type { Rule } from '../model/catalog.ts';
import type { DeliveryStatus } from '../model/delivery.ts';
import { formatTime } from '../rules/reasons.ts';

/**
 * How it stands with the latest decision to send, over its channels: one delivery was sent; none was yet, and one is
 * queued or being sent; all came to another end (no address, given up, in doubt, cancelled); nothing was to be sent.
 */
export const ANSWERS = ['sent', 'on_its_way', 'not_delivered', 'waiting', 'not_sent'] as const;
export type Answer = (typeof ANSWERS)[number];

/** What is stored about one person and one notification type. */
export interface Considered {
  readonly userId: string;
  readonly notificationType: string;
  /** Whether any event of the person was ever received. */
  readonly known: boolean;
  readonly catalogVersion: number;
  /** Rules of the active catalog that send it. */
  readonly rules: readonly Rule[];
  /** The latest, newest first. */
  readonly decisions: readonly ConsideredDecision[];
  /** The latest to send it, however long ago. */
  readonly latestSend: ConsideredDecision | null;
  /** Of all decisions there are: those to send it, and the others. */
  readonly counts: { readonly sends: number; readonly scheduled: number; readonly others: number };
  /** Rules that send it, and decided so often about other types only: another branch was taken, or another share. */
  readonly elsewhere: ReadonlyMap<string, number>;
  /** Recurring rules whose audience the person is not in. */
  readonly outside: ReadonlySet<string>;
  readonly deliveries: readonly {
    readonly notification_id: string;
    readonly channel: string;
    readonly status: DeliveryStatus;
    readonly provider: string | null;
    readonly reason: string | null;
    readonly finished_at: string | null;
  }[];
  /** Events of the types that the rules name. */
  readonly seen: ReadonlyMap<string, { readonly count: number; readonly latest: string }>;
  /** Events of the person that were refused, newest first. */
  readonly refused: readonly {
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
  /** The event whose arrival led to it, or that a wait is about. */
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  /** The event it tells of first. */
  readonly event_ids: readonly string[];
  readonly notification_id: string | null;
}

/** The answer, and a paragraph that can be read to the person on the phone. */
export function explain(considered: Considered): { answer: Answer; paragraph: string } {
  const { latestSend: latest } = considered;
  if (!latest) {
    const answer = latestOf(considered.decisions)?.outcome === 'scheduled' ? 'waiting' : 'not_sent';
    return { answer, paragraph: notSentParts(considered).join(' ') };
  }
  const deliveries = considered.deliveries.filter((one) => one.notification_id === latest.notification_id);
  const answer = answerOf(deliveries);
  const parts = [
    ...(answer === 'not_delivered' ? [notDeliveredSentence(considered, deliveries)] : []),
    ...decidedParts(considered, latest),
    ...deliveries.map(deliverySentence),
    ...(answer === 'sent' ? [] : sentBeforeParts(considered)),
    ...consideredParts(considered),
  ];
  return { answer, paragraph: parts.join(' ') };
}

type Deliveries = Considered['deliveries'];

/** A reminder that was moved leaves two decisions on one event: the end of the old wait says less than the new one. */
function latestOf(decisions: Considered['decisions']): ConsideredDecision | undefined {
  return decisions.find(({ reason_code }) => reason_code !== 'superseded') ?? decisions[0];
}

function answerOf(deliveries: Deliveries): Answer {
  const some = (...statuses: readonly DeliveryStatus[]) => deliveries.some(({ status }) => statuses.includes(status));
  if (some('sent')) return 'sent';
  return some('queued', 'sending') ? 'on_its_way' : 'not_delivered';
}

function notDeliveredSentence({ userId, notificationType }: Considered, deliveries: Deliveries): string {
  return deliveries.some(({ status }) => status === 'in_doubt')
    ? `It is not known whether ${notificationType} was delivered to ${userId}.`
    : `${notificationType} was not delivered to ${userId}.`;
}

function decidedParts({ userId, notificationType, counts }: Considered, latest: ConsideredDecision): string[] {
  const often = counts.sends === 1 ? '' : ` ${times(counts.sends)}`;
  return [
    `The rule ${latest.rule} decided${often} to send ${notificationType} to ${userId}, ${latestTime(counts.sends, latest)}.`,
    latest.reason,
  ];
}

/** What went out for an earlier decision. Only for when nothing did for the latest. */
function sentBeforeParts({ deliveries }: Considered): string[] {
  const before = deliveries
    .filter(({ status }) => status === 'sent')
    .reduce<Deliveries[number] | undefined>(
      (last, one) => ((last?.finished_at ?? '') > (one.finished_at ?? '') ? last : one),
      undefined,
    );
  return before ? [`An earlier one ${wentOut(before)}`] : [];
}

function consideredParts({ decisions, counts }: Considered): string[] {
  if (counts.others === 0) return [];
  const considered = `It was also considered ${times(counts.others)} without being sent`;
  const latest = decisions.find(({ outcome }) => outcome !== 'send' && outcome !== 'scheduled');
  return latest ? [`${considered}, ${latestTime(counts.others, latest)}.`, latest.reason] : [`${considered}.`];
}

function notSentParts(considered: Considered): string[] {
  const { userId, notificationType, known, decisions, rules, catalogVersion, refused } = considered;
  const count = considered.counts.others + considered.counts.scheduled;
  const latest = latestOf(decisions);
  const yet = latest?.outcome === 'scheduled' ? 'has not been sent' : 'was not sent';
  const parts = [`${notificationType} ${yet} to ${userId}${latest?.outcome === 'scheduled' ? ' yet' : ''}.`];
  if (latest) {
    parts.push(
      `The rule ${latest.rule} considered it ${times(count)}, ${latestTime(count, latest)}. ${latest.reason}`,
      ...refusedSentences(considered),
    );
    return parts;
  }
  if (rules.length === 0) parts.push(`No rule of catalog version ${catalogVersion} sends it.`);
  if (!known) {
    parts.push(`Nothing is known of ${userId}: no event was ever ${refused.length > 0 ? 'accepted' : 'received'}.`);
  }
  parts.push(...refusedSentences(considered));
  for (const rule of rules) parts.push(...triggerSentences(rule, considered));
  return parts;
}

/** Event types that the rules listen to, or need before those. */
export function awaitedBy(rules: readonly Rule[]): Set<string> {
  return new Set(rules.flatMap(({ on, after }) => [...on, ...after.map(({ event }) => event)]));
}

/** Events that the rules wait for in vain: they came, and were refused. */
function refusedSentences({ rules, refused }: Considered): string[] {
  const types = awaitedBy(rules);
  const relevant = refused.filter(({ event_type: type }) => type === null || types.has(type));
  const [latest] = relevant;
  if (!latest) return [];
  const count = relevant.reduce((sum, one) => sum + one.times, 0);
  const which = latest.event_type ?? 'An event';
  const what =
    count === 1
      ? `${which} was refused`
      : `${which} was refused, as ${count - 1} more of these events ${count === 2 ? 'was' : 'were'}, the latest`;
  return [`${what} on ${formatTime(latest.last_at)}: ${latest.message.replace(/\.$/, '')}.`];
}

/** Why this rule had nothing to decide. */
function triggerSentences(rule: Rule, considered: Considered): string[] {
  const { userId, known, seen, refused } = considered;
  const { name, on, after, about } = rule;
  const elsewhere = considered.elsewhere.get(name);
  if (elsewhere) {
    return [`The rule ${name} decided ${times(elsewhere)} about ${userId}, and each time took another of its ways.`];
  }
  const received = on.filter((type) => seen.has(type));
  if (received.length > 0 && about) {
    return [
      `The rule ${name} is triggered by ${on.join(' or ')} when it is about ${about.join(' or ')}; what was received was about something else, or came before this rule was in force.`,
    ];
  }
  if (received.length > 0) {
    return received.map((type) => {
      const { count, latest } = seen.get(type) as { count: number; latest: string };
      const when = `${count === 1 ? '' : 'the latest time '}on ${formatTime(latest)}`;
      return `The rule ${name} is triggered by ${type}, which was received ${times(count)}, ${when}, before this rule was in force.`;
    });
  }
  if (rule.every) {
    const whom = rule.audience === undefined ? '' : ` for those of whom ${rule.audience} holds`;
    const why = considered.outside.has(name) ? `it does not hold of ${userId}` : `it has not come to ${userId} yet`;
    return [`The rule ${name} acts every ${rule.every.text}${whom}; ${why}.`];
  }
  const changes = (rule.changes ?? []).map(
    ({ trait, to }) => `a change of ${trait}${to === undefined ? '' : ` to ${JSON.stringify(to)}`}`,
  );
  const came = refused.some(({ event_type: type }) => type !== null && on.includes(type)) ? 'accepted' : 'received';
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

function latestTime(count: number, decision: ConsideredDecision): string {
  const { event_id, event_ids, event_type, event_timestamp } = decision;
  const event = `${event_type} of ${formatTime(event_timestamp)}`;
  // What it tells of had come before, and waited for this one.
  const isLatePart = event_ids.includes(event_id) && event_ids[0] !== event_id;
  return `${count === 1 ? '' : 'the latest time '}${isLatePart ? `when ${event} became known` : `on ${event}`}`;
}

function deliverySentence(delivery: Deliveries[number]): string {
  const { status, reason } = delivery;
  const how = howOf(delivery);
  const when = whenOf(delivery);
  switch (status) {
    case 'sent':
      return `It ${wentOut(delivery)}`;
    case 'queued':
    case 'sending':
      return `It is on its way ${how}${reason ? ` (${reason.replace(/\.$/, '')})` : ''}.`;
    case 'in_doubt':
      return `It is not known whether it went out ${how}: ${reason ?? status}`;
    case 'cancelled':
      return `It was cancelled before it went out ${how}${when}${reason ? `: ${reason}` : '.'}`;
    case 'undeliverable':
    case 'dead':
      return `It could not be delivered ${how}${when}: ${reason ?? status}`;
  }
}

function wentOut(delivery: Deliveries[number]): string {
  // The sandbox is where messages stay for which there is no provider.
  if (delivery.provider === 'sandbox')
    return `was kept in the sandbox${whenOf(delivery)} instead of going out ${howOf(delivery)}.`;
  return `went out ${howOf(delivery)} through ${delivery.provider}${whenOf(delivery)}.`;
}

function howOf({ channel }: Deliveries[number]): string {
  return HOW[channel] ?? `by ${channel}`;
}

function whenOf({ finished_at }: Deliveries[number]): string {
  return finished_at ? ` on ${formatTime(finished_at)}` : '';
}

const HOW: { readonly [channel: string]: string } = {
  email: 'by e-mail',
  sms: 'by SMS',
  in_app: 'in the app',
  internal: 'as an internal alert',
};

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
