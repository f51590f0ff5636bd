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
  const parts = [
    `${notificationType} was decided for ${userId} ${times(sends.length)}, ${sends.length === 1 ? '' : 'the latest time '}by ${latest.rule} ` +
      `on ${latest.event_type} of ${spoken(latest.event_timestamp)}. ${latest.reason}`,
  ];
  for (const delivery of deliveries.filter((one) => one.notification_id === latest.notification_id)) {
    parts.push(deliverySentence(delivery));
  }
  const others = decisions.filter((decision) => decision.outcome !== 'send');
  if (others[0]) {
    parts.push(
      `Another ${times(others.length)} it was considered and not sent; the latest, on ${others[0].event_type} of ${spoken(others[0].event_timestamp)}: ${others[0].reason}`,
    );
  }
  return parts;
}

function notSentParts(considered: Considered): string[] {
  const { userId, notificationType, known, decisions, rules, seen, catalogVersion } = considered;
  const parts = [`${notificationType} was not sent to ${userId}.`];
  const latest = decisions[0];
  if (latest) {
    parts.push(
      `It was considered ${times(decisions.length)}; the latest time by ${latest.rule} on ${latest.event_type} of ${spoken(latest.event_timestamp)}. ${latest.reason}`,
    );
    return parts;
  }
  if (rules.length === 0) parts.push(`No rule of catalog version ${catalogVersion} sends it.`);
  if (!known) parts.push(`Nothing is known of ${userId}: no event was ever received.`);
  for (const rule of rules) {
    const received = rule.on.filter((type) => seen.has(type));
    if (received.length === 0) {
      parts.push(
        `The rule ${rule.name} is triggered by ${rule.on.join(' or ')}, and no such event of ${userId} was ever received.`,
      );
    }
    for (const type of received) {
      const { count, latest: at } = seen.get(type) as { count: number; latest: string };
      parts.push(
        `The rule ${rule.name} is triggered by ${type}, which was received ${times(count)}, the latest of ${spoken(at)}, before this rule was there to decide.`,
      );
    }
    if (rule.after && received.length === 0) {
      const earlier = seen.get(rule.after.event);
      parts.push(
        earlier
          ? `(${rule.after.event}, within ${rule.after.withinText} after which it would have to happen, was received; the latest of ${spoken(earlier.latest)}.)`
          : `(It would have to happen within ${rule.after.withinText} after ${rule.after.event}, which was not received either.)`,
      );
    }
  }
  return parts;
}

function deliverySentence(delivery: Considered['deliveries'][number]): string {
  const how = `by ${delivery.channel}`;
  const when = delivery.finished_at ? ` on ${spoken(delivery.finished_at)}` : '';
  switch (delivery.status) {
    case 'sent':
      return `It went out ${how} through ${delivery.provider}${when}.`;
    case 'queued':
    case 'sending':
      return `It is on its way ${how}${delivery.reason ? ` (${delivery.reason})` : ''}.`;
    default:
      return `It could not be delivered ${how}${when}: ${delivery.reason ?? delivery.status}`;
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
