import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type LegalHours, REGION_TRAIT } from '../../model/preferences.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type ClosedHours, describeHours, findTenantZone, findUserZone } from './hours.ts';

/**
 * Line 13: hours in which the law forbids messages by a channel, in the zone of the user; where that is not known, in every zone
 * that the user may be in. Urgency does not pass them, only the categories that the law lets pass.
 */
export function findLegalHours(question: PlanQuestion, channel: Channel): readonly ClosedHours[] {
  const hours = question.policy.legalHours[channel];
  if (!hours || hours.pass.includes(question.type.category)) return [];
  const { start, end, where } = findAllowed(question, hours);
  const known = findUserZone(question);
  const possible = hours.zones.map((zone) => ({
    zone,
    from: 'a zone that the user may be in: their own is not known',
  }));
  const zones = known ? [known] : possible.length > 0 ? possible : [findTenantZone(question)];
  return zones.map((zone) => ({
    start: end,
    end: start,
    zone: zone.zone,
    code: 'legal_hours',
    level: `law: ${channel}${where}`,
    value: describeHours(start, end, zone),
  }));
}

/** Returns the hours that are allowed: those of the region of the user, if there are stricter ones on that day. */
function findAllowed({ user, now }: PlanQuestion, { start, end, regions }: LegalHours) {
  const region = user.profile.traits[REGION_TRAIT];
  const dated = typeof region === 'string' && Object.hasOwn(regions, region) ? regions[region] : undefined;
  const today = isoTime(now).slice(0, 10);
  const latest = dated?.filter(({ from }) => from <= today).at(-1);
  return latest ? { start: latest.start, end: latest.end, where: ` in ${region}` } : { start, end, where: '' };
}
