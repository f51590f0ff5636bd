import { joinWords } from '../../lib/text/join-words.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Hours, type LegalHours, REGION_TRAIT } from '../../model/preferences.ts';
import { WEEKDAYS } from '../../model/terms.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type ClosedHours, describeHours, type FoundZone, findTenantZone, findUserZone } from './hours.ts';

/**
 * Line 14: hours in which the law forbids messages by a channel, in the zone of the user; where that is not known, in every
 * zone that the user may be in. Urgency does not pass them, only the categories that the law lets pass.
 */
export function findLegalHours(question: PlanQuestion, channel: Channel): readonly ClosedHours[] {
  const hours = question.policy.legalHours[channel];
  if (!hours || hours.pass.includes(question.type.category)) return [];
  const { start, end, notOn, where, zones: possible } = findAllowed(question, hours, channel);
  const known = findUserZone(question);
  const zones = known ? [known] : possible.length > 0 ? possible : [findTenantZone(question)];
  const law = { code: 'legal_hours', level: `law: ${channel}${where}` } as const;
  const closed = zones.map(
    (zone): ClosedHours => ({
      ...law,
      start: end,
      end: start,
      zone: zone.zone,
      value: describeHours(start, end, zone),
    }),
  );
  if (!notOn) return closed;
  const names = joinWords(
    notOn.map((day) => WEEKDAYS[day - 1] ?? ''),
    'or',
  );
  const days = zones.map(({ zone, from }): ClosedHours => {
    return { ...law, start: 0, end: 0, days: notOn, zone, value: `not on ${names} ${zone} (${from})` };
  });
  return [...closed, ...days];
}

/** Hours that are allowed, and the zones that a user whose zone is not known may be in. */
interface AllowedHours extends Hours {
  /** Weekdays on which nothing is. */
  readonly notOn?: readonly number[];
  readonly where: string;
  readonly zones: readonly FoundZone[];
}

/** Returns the hours that are allowed: those of the region of the user, if there are stricter ones on that day. */
function findAllowed({ user, now }: PlanQuestion, hours: LegalHours, channel: Channel): AllowedHours {
  const { traits } = user.profile;
  const code = CHANNEL_DESCRIPTORS[channel].addressKind === 'phone' ? findCode(hours, traits.phone) : undefined;
  const own = traits[REGION_TRAIT];
  const region = typeof own === 'string' && Object.hasOwn(hours.regions, own) ? own : code?.region;
  const dated = region !== undefined && Object.hasOwn(hours.regions, region) ? hours.regions[region] : undefined;
  const today = isoTime(now).slice(0, 10);
  const latest = dated?.filter(({ from }) => from <= today).at(-1);
  const { start, end } = latest ?? hours;
  const allowed = { start, end, where: latest ? ` in ${region}` : '', ...(latest?.notOn && { notOn: latest.notOn }) };
  if (latest?.zones) return { ...allowed, zones: toZones(latest.zones, `of ${region}`) };
  if (code && code.zones.length > 0) return { ...allowed, zones: toZones(code.zones, `of +${code.code}`) };
  return { ...allowed, zones: toZones(hours.zones, 'that the user may be in') };
}

function toZones(zones: readonly string[], of: string): readonly FoundZone[] {
  return zones.map((zone) => ({ zone, from: `a zone ${of}: that of the user is not known` }));
}

/** Digits of a phone number that its mask keeps: as many as the longest calling code has. */
const CODE_DIGITS = 3;

/** Returns what the calling code of a number says. Looks at no more of it than its mask has, which is what decisions see. */
function findCode({ callingCodes = {} }: LegalHours, phone: unknown) {
  const digits = typeof phone === 'string' ? /^\+(\d{1,3})/.exec(phone)?.[1] : undefined;
  for (let length = Math.min(CODE_DIGITS, digits?.length ?? 0); length > 0; length--) {
    const code = digits?.slice(0, length) ?? '';
    const found = Object.hasOwn(callingCodes, code) ? callingCodes[code] : undefined;
    if (found) return { code, ...found };
  }
  return undefined;
}
