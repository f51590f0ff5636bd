import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Policy, REQUIRED_CATEGORY } from '../../model/preferences.ts';
import { type ClosedHours, describeHours, findTenantZone, findUserZone } from './hours.ts';

/** Line 15: the quiet hours of the user, or those of the tenant for users who have not chosen. */
export function findQuietHours(question: PlanQuestion, channel: Channel): readonly ClosedHours[] {
  if (passesQuietHours(question, channel)) return [];
  const hours = findQuietHoursOfUser(question);
  return hours ? [hours] : [];
}

/**
 * Returns whether a message waits for no quiet hours: it is urgent, or for SECURITY, its type has `quiet: ignore`, or its channel is the
 * inbox, which makes no noise.
 */
export function passesQuietHours({ type, isUrgent }: PlanQuestion, channel: Channel): boolean {
  return (
    CHANNEL_DESCRIPTORS[channel].isSilent || isUrgent || type.category === REQUIRED_CATEGORY || type.quiet === 'ignore'
  );
}

/** Returns the quiet hours of a user, or those of the tenant if they have not chosen; undefined: no hours are quiet. */
export function findQuietHoursOfUser(asked: Pick<PlanQuestion, 'terms' | 'policy' | 'user'>): ClosedHours | undefined {
  const { terms, policy } = asked;
  const own = terms.q?.[0];
  if (own === 0) return undefined;
  if (own && terms.q) {
    const [start, end, zone] = own;
    const hours = { start, end, ...(zone !== null && { zone }) };
    return toClosed(asked, hours, { level: 'user: quiet hours', since: terms.q[1] });
  }
  return policy.quietHours && toClosed(asked, policy.quietHours, { level: 'tenant: quiet hours' });
}

function toClosed(
  asked: Pick<PlanQuestion, 'policy' | 'user'>,
  { start, end, zone: named }: NonNullable<Policy['quietHours']>,
  by: Pick<ClosedHours, 'level' | 'since'>,
): ClosedHours {
  const zone =
    named === undefined
      ? (findUserZone(asked) ?? findTenantZone(asked))
      : { zone: named, from: 'zone of the quiet hours' };
  return { start, end, zone: zone.zone, code: 'quiet_hours', value: describeHours(start, end, zone), ...by };
}
