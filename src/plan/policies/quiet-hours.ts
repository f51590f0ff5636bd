import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { REQUIRED_CATEGORY } from '../../model/preferences.ts';
import { type ClosedHours, describeHours, findTenantZone, findUserZone } from './hours.ts';

/**
 * Line 14: the quiet hours of the user, or those of the tenant for users who have not chosen. Urgent and SECURITY messages,
 * those of types with `quiet: ignore`, and the inbox, which makes no noise, pass them.
 */
export function findQuietHours(question: PlanQuestion, channel: Channel): readonly ClosedHours[] {
  const { type, terms, policy, isUrgent } = question;
  if (
    CHANNEL_DESCRIPTORS[channel].isSilent ||
    isUrgent ||
    type.category === REQUIRED_CATEGORY ||
    type.quiet === 'ignore'
  )
    return [];
  const own = terms.q?.[0];
  if (own === 0) return [];
  if (own && terms.q) {
    const [start, end, named] = own;
    const zone = named === null ? undefined : { zone: named, from: 'zone of the quiet hours' };
    return [toClosed(question, start, end, zone, { level: 'user: quiet hours', since: terms.q[1] })];
  }
  const { quietHours } = policy;
  if (!quietHours) return [];
  const zone = quietHours.zone === undefined ? undefined : { zone: quietHours.zone, from: 'zone of the quiet hours' };
  return [toClosed(question, quietHours.start, quietHours.end, zone, { level: 'tenant: quiet hours' })];
}

function toClosed(
  question: PlanQuestion,
  start: number,
  end: number,
  named: ReturnType<typeof findUserZone>,
  by: Pick<ClosedHours, 'level' | 'since'>,
): ClosedHours {
  const zone = named ?? findUserZone(question) ?? findTenantZone(question);
  return { start, end, zone: zone.zone, code: 'quiet_hours', value: describeHours(start, end, zone), ...by };
}
