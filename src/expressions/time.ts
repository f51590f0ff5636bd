import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';

/* Times and durations in CEL syntax. The precision is milliseconds, as everywhere in Tidings. */

const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Maximum duration in CEL, in milliseconds: ten thousand years. */
export const MAX_DURATION_MS = 315_576_000_000_000;

/** Parses RFC 3339 with a zone to milliseconds since the epoch. Returns undefined for any other text. */
export function parseCelTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [, year, month, day] = match.map(Number);
  // Date.parse accepts 30 February as 2 March.
  if (day! < 1 || day! > new Date(Date.UTC(2000 + (year! % 400), month!, 0)).getUTCDate()) return undefined;
  const ms = Date.parse(text.toUpperCase());
  return ms >= FIRST_TIME && ms <= LAST_TIME ? ms : undefined;
}

const UNIT_MS: { readonly [unit: string]: number } = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};
const DURATION_PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/y;

/** Parses `24h`, `1h30m`, `-1.5s` to milliseconds. Returns undefined for any other text. */
export function parseCelDuration(text: string): number | undefined {
  if (text.length > 64) return undefined;
  let at = text[0] === '-' || text[0] === '+' ? 1 : 0;
  let ms = 0;
  do {
    DURATION_PART.lastIndex = at;
    const part = DURATION_PART.exec(text);
    if (!part) return undefined;
    ms += Number(part[1]) * UNIT_MS[part[2]!]!;
    at = DURATION_PART.lastIndex;
  } while (at < text.length);
  return ms <= MAX_DURATION_MS ? (text[0] === '-' ? -ms : ms) : undefined;
}
