import { LRUCache } from 'lru-cache';
import { FixedOffsetZone, IANAZone, type Zone as LuxonZone } from 'luxon';

/*
 * Names of time zones. The answer must not depend on the version of Node.js: some versions know offsets (`+05:30`) or the
 * ambiguous abbreviations of ICU (`IST`, `PST`), others do not. So offsets are parsed here, names without a region come from
 * the list below, and only names of a region (`Europe/Lisbon`) are asked of Intl.
 */

export interface KnownZone {
  /** The canonical name: of IANA, or `UTC+05:30`. Every spelling of a zone has one. */
  readonly name: string;
  readonly zone: LuxonZone;
}

/**
 * Returns the zone of a name, in any letter case, or undefined if it is unknown. Accepted are IANA names, offsets in quarters
 * of an hour from -12:00 to +14:00 (`+05:30`, `+0530`, `+5`, `UTC+5`, `GMT+05:30`), and `Z`.
 */
export function findZone(name: string): KnownZone | undefined {
  if (name === 'UTC') return UTC;
  if (name.length > MAX_ZONE_NAME_CHARS) return undefined;
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = parseZoneName(name) ?? 'unknown';
    zones.set(name, zone);
  }
  return zone === 'unknown' ? undefined : zone;
}

export const UTC: KnownZone = { name: 'UTC', zone: FixedOffsetZone.utcInstance };

const MAX_ZONE_NAME_CHARS = 64;

/** Users choose the names, so the cache is bounded; luxon, which caches without bound, gets only canonical names. */
const zones = new LRUCache<string, KnownZone | 'unknown'>({ max: 1000 });

function parseZoneName(name: string): KnownZone | undefined {
  return parseOffset(name) ?? findRegion(NAMES_WITHOUT_REGION.get(name.toLowerCase()) ?? name);
}

/** The sign may be left out of `02:00`, as CEL allows. */
const OFFSET = /^(?:utc|gmt)?(?:([+\-\u2212])(\d{1,2})(?::?([0-5]\d))?)$|^(\d\d):([0-5]\d)$/i;
const MIN_OFFSET_MINUTES = -12 * 60;
const MAX_OFFSET_MINUTES = 14 * 60;

/** Parses an offset. Only quarters of an hour are in use, and a rule may have a schedule for each zone of its users. */
function parseOffset(text: string): KnownZone | undefined {
  const match = OFFSET.exec(text) ?? [];
  const [sign, hours, minutes = '0'] = match[4] === undefined ? match.slice(1) : ['+', match[4], match[5]];
  if (hours === undefined) return undefined;
  const size = Number(hours) * 60 + Number(minutes);
  const offset = sign === '+' ? size : -size;
  if (offset === 0) return UTC;
  if (offset < MIN_OFFSET_MINUTES || offset > MAX_OFFSET_MINUTES || offset % 15 !== 0) return undefined;
  const two = (value: number) => String(value).padStart(2, '0');
  const name = `UTC${sign === '+' ? '+' : '-'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return { name, zone: FixedOffsetZone.instance(offset) };
}

const REGION =
  /^(?:africa|america|antarctica|arctic|asia|atlantic|australia|brazil|canada|chile|etc|europe|indian|mexico|pacific|us)\//i;

function findRegion(name: string): KnownZone | undefined {
  if (name === 'UTC') return UTC;
  const offset = parseOffset(name);
  if (offset) return offset;
  if (!REGION.test(name) || !IANAZone.isValidZone(name)) return undefined;
  const canonical = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  return canonical === 'UTC' ? UTC : { name: canonical, zone: IANAZone.create(canonical) };
}

/** The IANA names without a region, in lower case, and what they stand for (tz database, files `backward` and `etcetera`). */
const NAMES_WITHOUT_REGION: ReadonlyMap<string, string> = new Map([
  ...['utc', 'gmt', 'uct', 'z', 'zulu', 'universal', 'greenwich', 'gmt0'].map((name) => [name, 'UTC'] as const),
  ['est', 'UTC-05:00'],
  ['mst', 'UTC-07:00'],
  ['hst', 'UTC-10:00'],
  ['est5edt', 'America/New_York'],
  ['cst6cdt', 'America/Chicago'],
  ['mst7mdt', 'America/Denver'],
  ['pst8pdt', 'America/Los_Angeles'],
  ['wet', 'Europe/Lisbon'],
  ['cet', 'Europe/Brussels'],
  ['met', 'Europe/Brussels'],
  ['eet', 'Europe/Athens'],
  ['cuba', 'America/Havana'],
  ['egypt', 'Africa/Cairo'],
  ['eire', 'Europe/Dublin'],
  ['gb', 'Europe/London'],
  ['gb-eire', 'Europe/London'],
  ['hongkong', 'Asia/Hong_Kong'],
  ['iceland', 'Atlantic/Reykjavik'],
  ['iran', 'Asia/Tehran'],
  ['israel', 'Asia/Jerusalem'],
  ['jamaica', 'America/Jamaica'],
  ['japan', 'Asia/Tokyo'],
  ['kwajalein', 'Pacific/Kwajalein'],
  ['libya', 'Africa/Tripoli'],
  ['navajo', 'America/Denver'],
  ['nz', 'Pacific/Auckland'],
  ['nz-chat', 'Pacific/Chatham'],
  ['poland', 'Europe/Warsaw'],
  ['portugal', 'Europe/Lisbon'],
  ['prc', 'Asia/Shanghai'],
  ['roc', 'Asia/Taipei'],
  ['rok', 'Asia/Seoul'],
  ['singapore', 'Asia/Singapore'],
  ['turkey', 'Europe/Istanbul'],
  ['w-su', 'Europe/Moscow'],
]);
