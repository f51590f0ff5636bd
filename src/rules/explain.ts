import type { Rule } from '../model.ts';
import { spoken } from './reasons.ts';

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
    readonly reason: string;
    readonly rule: string;
    readonly event_type: string;
    readonly event_timestamp: string;
    readonly notification_id: string | null;
  }[];
  readonly deliveries: readonly {
    readonly notification_id: string;
    readonly channel: string;
    readonly status: string;
    readonly provider: string | null;
    readonly reason: string | null;
    readonly finished_at: string | null;
  }[];
  /** Events of the types that the rules name. */
  readonly seen: ReadonlyMap<string, { readonly count: number; readonly latest: string }>;
}

/** The answer in a paragraph that can be read to the person on the phone. */
export function explain(considered: Considered): { answer: 'sent' | 'not_sent'; paragraph: string } {
  const sends = considered.decisions.filter((decision) => decision.outcome === 'send');
  const parts = sends.length > 0 ? sentParts(considered, sends) : notSentParts(considered);
  return { answer: sends.length > 0 ? 'sent' : 'not_sent', paragraph: parts.join(' ') };
}

function sentParts(considered: Considered, sends: Considered['decisions']): string[] {
  const { userId, notificationType, decisions, deliveries } = considered;
  const latest = sends[0] as Considered['decisions'][number];
  const often = sends.length === 1 ? '' : ` ${times(sends.length)}`;
  const parts = [
    `The rule ${latest.rule} decided${often} to send ${notificationType} to ${userId}, ${latestTime(sends)}. ${latest.reason}`,
  ];
  for (const delivery of deliveries.filter((one) => one.notification_id === latest.notification_id)) {
    parts.push(deliverySentence(delivery));
  }
  const others = decisions.filter((decision) => decision.outcome !== 'send');
  if (others[0]) {
    parts.push(
      `It was also considered ${times(others.length)} without being sent, ${latestTime(others)}. ${others[0].reason}`,
    );
  }
  return parts;
}

function notSentParts(considered: Considered): string[] {
  const { userId, notificationType, known, decisions, rules, catalogVersion } = considered;
  const parts = [`${notificationType} was not sent to ${userId}.`];
  const latest = decisions[0];
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
  const sentences = [
    `The rule ${name} is triggered by ${on.join(' or ')}${known ? `, and no such event of ${userId} was ever received` : ''}.`,
  ];
  if (after) {
    const earlier = seen.get(after.event);
    const which = earlier
      ? `which was received on ${spoken(earlier.latest)}`
      : `which was not received${known ? ' either' : ''}`;
    sentences.push(`It would have to happen within ${after.withinText} after ${after.event}, ${which}.`);
  }
  return sentences;
}

function latestTime(decisions: Considered['decisions']): string {
  const { event_type, event_timestamp } = decisions[0] as Considered['decisions'][number];
  return `${decisions.length === 1 ? '' : 'the latest time '}on ${event_type} of ${spoken(event_timestamp)}`;
}

function deliverySentence({
  channel,
  status,
  provider,
  reason,
  finished_at,
}: Considered['deliveries'][number]): string {
  const how = HOW[channel] ?? `by ${channel}`;
  const when = finished_at ? ` on ${spoken(finished_at)}` : '';
  switch (status) {
    case 'sent':
      return `It went out ${how} through ${provider}${when}.`;
    case 'queued':
    case 'sending':
      return `It is on its way ${how}${reason ? ` (${reason.replace(/\.$/, '')})` : ''}.`;
    case 'in_doubt':
      return `It is not known whether it went out ${how}: ${reason ?? status}`;
    default:
      return `It could not be delivered ${how}${when}: ${reason ?? status}`;
  }
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
