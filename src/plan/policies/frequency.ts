import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { DEFAULT_DIGEST_TIME } from '../../model/preferences.ts';
import { type Frequency, WEEKDAYS } from '../../model/terms.ts';
import { nextOccurrence } from '../../time/calendar.ts';
import { formatTimeOfDay } from '../../time/hours.ts';
import { describeScope } from '../answer.ts';
import { type FoundZone, findTenantZone, findUserZone } from './hours.ts';
import { findRequired } from './required.ts';

/** The frequency of a type for a user, and who says so. */
export interface FoundFrequency {
  readonly frequency: Frequency;
  readonly level: string;
  /** When the user said so; absent: the tenant did. */
  readonly since?: Millis;
}

/** A digest that a message is folded into. */
export interface FoundDigest {
  readonly dueAt: Millis;
  readonly level: string;
  /** As a user reads it, with the zone and where it is from: `DAILY at 09:00 Europe/Berlin (zone of the user)`. */
  readonly value: string;
  readonly since?: Millis;
}

/** Returns how often a type goes to a user: as the user says, else the tenant for the type, else for its category. */
export function findFrequency({
  type,
  terms,
  policy,
}: {
  readonly type: Pick<PlanQuestion['type'], 'name' | 'category'>;
  readonly terms: PlanQuestion['terms'];
  readonly policy: Pick<PlanQuestion['policy'], 'frequency'>;
}): FoundFrequency {
  const ofType = `t:${type.name}`;
  const own = terms.p?.[ofType]?.freq;
  if (own?.[0]) return { frequency: own[0], level: `user: frequency of ${describeScope(ofType)}`, since: own[1] };
  for (const scope of [ofType, `c:${type.category}`]) {
    const frequency = policy.frequency[scope];
    if (frequency) return { frequency, level: `tenant: frequency of ${describeScope(scope)}` };
  }
  return { frequency: 'IMMEDIATE', level: 'tenant: default' };
}

/**
 * Line 17: the digest that a message becomes an item of. Urgent, SECURITY and required messages are sent by themselves, and so
 * is a message on a channel for which its type has no template for digests.
 */
export function findDigest(question: PlanQuestion, channel: Channel): FoundDigest | undefined {
  const { folding, isUrgent } = question;
  if (!folding || isUrgent || !folding.channels.has(channel) || CHANNEL_DESCRIPTORS[channel].isForOthers)
    return undefined;
  const { frequency, level, since } = findFrequency(question);
  if (frequency === 'IMMEDIATE' || frequency === 'NEVER' || findRequired(question) !== undefined) return undefined;
  const { dueAt, value } = findDigestTime(question, frequency);
  return { dueAt, level, value, ...(since !== undefined && { since }) };
}

/** Returns the local time and day of digests, and the zone: as the user has chosen, else the tenant. */
export function findDigestMoment({ terms, policy, user }: Pick<PlanQuestion, 'terms' | 'policy' | 'user'>): {
  readonly at: number;
  readonly day: number;
  readonly zone: FoundZone;
} {
  const [at, day] = terms.d?.[0] ?? [null, null];
  const tenant = policy.digestTime ?? DEFAULT_DIGEST_TIME;
  return { at: at ?? tenant.at, day: day ?? tenant.day, zone: findUserZone({ user }) ?? findTenantZone({ policy }) };
}

/**
 * Returns when the next digest of a frequency is due after `now`: at the time that the user has chosen, else that of the
 * tenant.
 */
export function findDigestTime(
  { terms, policy, user, now }: Pick<PlanQuestion, 'terms' | 'policy' | 'user' | 'now'>,
  frequency: Exclude<Frequency, 'IMMEDIATE' | 'NEVER'>,
): { readonly dueAt: Millis; readonly value: string } {
  const { at, day, zone: found } = findDigestMoment({ terms, policy, user });
  const { zone, from } = found;
  const cron =
    frequency === 'HOURLY'
      ? '0 * * * *'
      : `${at % 60} ${Math.floor(at / 60)} * * ${frequency === 'DAILY' ? '*' : day % 7}`;
  const when =
    frequency === 'HOURLY'
      ? 'HOURLY'
      : `${frequency}${frequency === 'WEEKLY' ? ` on ${WEEKDAYS[day - 1]}` : ''} at ${formatTimeOfDay(at)}`;
  // Time ends before the next: there is no later digest.
  return { dueAt: nextOccurrence(cron, zone, now) ?? now, value: `${when} ${zone} (${from})` };
}
