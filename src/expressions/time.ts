import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';

/** Times and durations as CEL writes them. Precision is the millisecond, as everywhere in Tidings. */

const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** CEL's range: ten thousand years. */
export const MAX_DURATION = 315_576_000_000_000;

/** RFC 3339 with a zone, to milliseconds since the epoch; nothing when it is something else. */
export function parseCelTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [, year, month, day] = match.map(Number);
  // Date.parse takes 30 February for 2 March.
  if (day! < 1 || day! > new Date(Date.UTC(2000 + (year! % 400), month!, 0)).getUTCDate()) return undefined;
  const ms = Date.parse(text.toUpperCase());
  return ms >= FIRST_TIME && ms <= LAST_TIME ? ms : undefined;
}

const UNITS: { readonly [unit: string]: number } = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};
const PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/y;

/** `24h`, `1h30m`, `-1.5s`: to milliseconds; nothing when it is something else. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64) return undefined;
  let at = text[0] === '-' || text[0] === '+' ? 1 : 0;
  let ms = 0;
  do {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (!part) return undefined;
    ms += Number(part[1]) * UNITS[part[2]!]!;
    at = PART.lastIndex;
  } while (at < text.length);
  return ms <= MAX_DURATION ? (text[0] === '-' ? -ms : ms) : undefined;
}
