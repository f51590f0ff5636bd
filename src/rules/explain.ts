import type { DeliveryStatus, Rule } from '../model.ts';
import { spoken } from './reasons.ts';

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
  /** Newest first. */
  readonly decisions: readonly {
    readonly outcome: string;
    readonly reason_code: string;
    readonly reason: string;
    readonly rule: string;
    readonly event_type: string;
    readonly event_timestamp: string;
    readonly notification_id: string | null;
  }[];
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
}

/** The answer, and a paragraph that can be read to the person on the phone. */
export function explain(considered: Considered): { answer: Answer; paragraph: string } {
  const sends = considered.decisions.filter((decision) => decision.outcome === 'send');
  const latest = sends[0];
  if (!latest) {
    const answer = latestOf(considered.decisions)?.outcome === 'scheduled' ? 'waiting' : 'not_sent';
    return { answer, paragraph: notSentParts(considered).join(' ') };
  }
  const deliveries = considered.deliveries.filter((one) => one.notification_id === latest.notification_id);
  const answer = answerOf(deliveries);
  const parts = [
    ...(answer === 'not_delivered' ? [notDeliveredSentence(considered, deliveries)] : []),
    ...decidedParts(considered, sends, latest),
    ...deliveries.map(deliverySentence),
    ...(answer === 'sent' ? [] : sentBeforeParts(considered, latest)),
    ...consideredParts(considered),
  ];
  return { answer, paragraph: parts.join(' ') };
}

type Decisions = Considered['decisions'];
type Deliveries = Considered['deliveries'];

/** A reminder that was moved leaves two decisions on one event: the end of the old wait says less than the new one. */
function latestOf(decisions: Decisions): Decisions[number] | undefined {
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

function decidedParts({ userId, notificationType }: Considered, sends: Decisions, latest: Decisions[number]): string[] {
  const often = sends.length === 1 ? '' : ` ${times(sends.length)}`;
  return [
    `The rule ${latest.rule} decided${often} to send ${notificationType} to ${userId}, ${latestTime(sends)}.`,
    latest.reason,
  ];
}

/** What went out for an earlier decision, when nothing did for the latest. */
function sentBeforeParts({ deliveries }: Considered, latest: Decisions[number]): string[] {
  const before = deliveries
    .filter((one) => one.notification_id !== latest.notification_id && one.status === 'sent')
    .reduce<Deliveries[number] | undefined>(
      (last, one) => ((last?.finished_at ?? '') > (one.finished_at ?? '') ? last : one),
      undefined,
    );
  return before ? [`An earlier one ${wentOut(before)}`] : [];
}

function consideredParts({ decisions }: Considered): string[] {
  const others = decisions.filter((decision) => decision.outcome !== 'send');
  if (!others[0]) return [];
  return [
    `It was also considered ${times(others.length)} without being sent, ${latestTime(others)}.`,
    others[0].reason,
  ];
}

function notSentParts(considered: Considered): string[] {
  const { userId, notificationType, known, decisions, rules, catalogVersion } = considered;
  const latest = latestOf(decisions);
  const yet = latest?.outcome === 'scheduled' ? 'has not been sent' : 'was not sent';
  const parts = [`${notificationType} ${yet} to ${userId}${latest?.outcome === 'scheduled' ? ' yet' : ''}.`];
  if (latest) {
    parts.push(
      `The rule ${latest.rule} considered it ${times(decisions.length)}, ${latestTime(decisions)}. ${latest.reason}`,
    );
    return parts;
  }
  if (rules.length === 0) parts.push(`No rule of catalog version ${catalogVersion} sends it.`);
  if (!known) parts.push(`Nothing is known of ${userId}: no event was ever received.`);
  for (const rule of rules) parts.push(...triggerSentences(rule, considered));
  return parts;
}

/** Why this rule had nothing to decide. */
function triggerSentences(rule: Rule, { userId, known, seen }: Considered): string[] {
  const { name, on, after } = rule;
  const received = on.filter((type) => seen.has(type));
  if (received.length > 0) {
    return received.map((type) => {
      const { count, latest } = seen.get(type) as { count: number; latest: string };
      const when = `${count === 1 ? '' : 'the latest time '}on ${spoken(latest)}`;
      return `The rule ${name} is triggered by ${type}, which was received ${times(count)}, ${when}, before this rule was in force.`;
    });
  }
  if (rule.every) return [`The rule ${name} acts every ${rule.every.text}, and has not come to ${userId} yet.`];
  const changes = (rule.changes ?? []).map(({ trait }) => `a change of ${trait}`);
  const sentences = [
    `The rule ${name} is triggered by ${[...on, ...changes].join(' or ')}${known ? `, and no such event of ${userId} was ever received` : ''}.`,
  ];
  for (const step of after) {
    const earlier = seen.get(step.event);
    const which = earlier
      ? `which was received on ${spoken(earlier.latest)}`
      : `which was not received${known ? ' either' : ''}`;
    sentences.push(`It would have to happen within ${step.withinText} after ${step.event}, ${which}.`);
  }
  return sentences;
}

function latestTime(decisions: Decisions): string {
  const { event_type, event_timestamp } = decisions[0] as Decisions[number];
  return `${decisions.length === 1 ? '' : 'the latest time '}on ${event_type} of ${spoken(event_timestamp)}`;
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
  return `went out ${howOf(delivery)} through ${delivery.provider}${whenOf(delivery)}.`;
}

function howOf({ channel }: Deliveries[number]): string {
  return HOW[channel] ?? `by ${channel}`;
}

function whenOf({ finished_at }: Deliveries[number]): string {
  return finished_at ? ` on ${spoken(finished_at)}` : '';
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
