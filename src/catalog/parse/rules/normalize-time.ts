import { parseDuration } from '../../../time/duration.ts';

/** An error in an expression, and how to fix it. */
export interface ExpressionProblem {
  readonly message: string;
  readonly hint: string;
}

export const MAX_EXPRESSION_CHARS = 1000;
export const TIME_OF_DAY_HINT = 'use a time of day from 00:00 to 23:59';

/** In the order of ISO 8601: Monday is 1. */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** Pattern of `09:00`, with a group for the hour and one for the minute. */
export const TIME = '([01]\\d|2[0-3]):([0-5]\\d)';
/** Matches `09:00` and `monday 09:00`: groups of the word (optional), the hour and the minute. */
export const DAY_AND_TIME = new RegExp(`^(?:([a-z]+) )?${TIME}$`, 'i');

/** Returns the minutes since midnight of two groups of TIME. */
export function toMinutes(hour: string, minute: string): number {
  return Number(hour) * 60 + Number(minute);
}

/** Normalizes common ways to write a day and a time: `every Mondays at 9am` becomes `monday 09:00`. */
export function normalizeDay(text: string): string {
  // `monday 18`. A number after `on`, as in `month on 1`, is no hour.
  const lower = text.toLowerCase().replace(/\s+/g, ' ');
  const hours = lower
    .replace(/^((?:(?:every|each|on|next) )?(?!every |each )[a-z]+ (?:at )?)(\d{1,2})$/, '$1$2:00')
    .replace(/^(month on (?:\d{1,2}|last)) (?:at )?(\d{1,2})$/, '$1 at $2:00');
  return normalizeTimes(hours)
    .replace(/^(?:every|each|on|at|next) /, '')
    .replace(/^(mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs|ur)?(?= |$)/, (short) =>
      String(WEEKDAYS.find((day) => day.startsWith(short.slice(0, 3)))),
    )
    .replace(/^([a-z]*day)s(?= |$)/, '$1')
    .replace(/^@?daily(?= |$)/, 'day')
    .replace(/^@?hourly$/, 'hour')
    .replace(/^monthly(?= )/, 'month')
    .replace(/^([a-z]+) at (?=\d\d:\d\d$)/, '$1 ')
    .replace(/^(\d\d:\d\d) (?:on |every )?([a-z]*day)s?$/, '$2 $1');
}

/** Rewrites `9:00`, `9.30`, `9h30`, `9am` and `9:30 pm` in a text as times of 24 hours. */
function normalizeTimes(text: string): string {
  const written = /(?<![\w:.])(\d{1,2})(?:[:.h](\d{2}))?(?: ?([ap])m)?(?![\w:.])/g;
  return text.replace(written, (all: string, hour: string, minute: string | undefined, half: string | undefined) => {
    if (minute === undefined && half === undefined) return all;
    if (Number(hour) > (half ? 12 : 24) || Number(minute ?? 0) > 59) return all;
    const hours = half ? (Number(hour) % 12) + (half === 'p' ? 12 : 0) : Number(hour) % 24;
    return `${String(hours).padStart(2, '0')}:${minute ?? '00'}`;
  });
}

/**
 * Returns the time of day that a text probably means, as `09:00`: `18`, `1800`, `6 pm`, `at 18h`, `noon`; undefined if none.
 */
export function guessTime(text: string): string | undefined {
  const words = text.toLowerCase().replace(/^[\s,@]*(?:at|um|by)?[\s@]*/, '');
  if (words === 'noon') return '12:00';
  if (words === 'midnight') return '00:00';
  const written =
    /^(\d{1,2})(?:[:.h]?(\d{2})|[:.h](\d))?(?::\d{2})? ?(?:([ap])\.?m\.?|h|hrs?|hours?|uhr|o'clock|utc)?$/.exec(words);
  if (!written) return undefined;
  const [, hour = '', two, one = '0', half] = written;
  const minute = two ?? one;
  const hours = half ? (Number(hour) % 12) + (half === 'p' ? 12 : 0) : Number(hour) % 24;
  if (Number(hour) > (half ? 12 : 24) || Number(minute) > 59) return undefined;
  return `${String(hours).padStart(2, '0')}:${minute.padStart(2, '0')}`;
}

/** Returns a duration as the language writes it, if it can be guessed: `2 days` becomes `2d`. */
export function normalizeSpan(text: string): string {
  const span = parseDuration(text);
  return 'ms' in span ? span.text : (getSuggestedSpan(span.hint) ?? text);
}

/** Returns the duration that a hint of `parseDuration` suggests. */
export function getSuggestedSpan(hint: string): string | undefined {
  return /^write (\w+)$/.exec(hint)?.[1];
}
