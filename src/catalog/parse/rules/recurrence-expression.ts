import { Cron } from 'croner';
import { findNearest } from '../../../lib/text/did-you-mean.ts';
import type { Recurrence } from '../../../model/catalog.ts';
import { nextOccurrence } from '../../../time/calendar.ts';
import { quote } from '../../../time/duration.ts';
import {
  DAY_AND_TIME,
  type ExpressionProblem,
  MAX_EXPRESSION_CHARS,
  normalizeDay,
  TIME,
  TIME_OF_DAY_HINT,
  WEEKDAYS,
} from './normalize-time.ts';

export type RecurrenceResult = { readonly recurrence: Recurrence } | ExpressionProblem;

const FORMS = 'monday 09:00, day 18:00, weekday 08:30, month on 1 at 09:00, hour, cron 0 9 * * 1';
const CRON_HINT = 'use five fields: minute, hour, day of month, month, day of week, as in cron 0 9 * * 1';
const MONTH_AND_TIME = new RegExp(`^month on (\\d{1,2}|last) at ${TIME}$`, 'i');

/**
 * Parses the schedule of a scheduled rule: `monday 09:00`, `day 18:00`, `weekday 08:30` (Monday to Friday), `month on 1 at
 * 09:00` (1 to 31, in the months that have the day, or `last`), `hour` (on the hour), `cron 0 9 * * 1` (as cron reads it: if
 * both days are given, either of them is enough).
 */
export function parseRecurrence(written: string): RecurrenceResult {
  const text = written.trim().replace(/\s+/g, ' ');
  const message = `${quote(text)} is not a schedule`;
  if (text.length > MAX_EXPRESSION_CHARS) return { message, hint: `use at most ${MAX_EXPRESSION_CHARS} characters` };
  const parsed = parseForm(text);
  if (parsed) return parsed;

  const wording = normalizeRecurrence(text);
  const meant = parseForm(wording);
  if (meant) return 'recurrence' in meant ? { message, hint: `write ${meant.recurrence.text}` } : meant;
  const word = findNearest(wording.split(' ')[0]!, ['hour', 'day', 'weekday', 'month', ...WEEKDAYS]);
  const near = word && parseForm(wording.replace(/^\S+/, word));
  if (near && 'recurrence' in near) return { message, hint: `did you mean ${near.recurrence.text}?` };
  if (word && !wording.includes(':')) return { message, hint: `the time is missing: ${exampleFor(word)}` };
  if (/\d:\d\d$/.test(wording) && !new RegExp(`${TIME}$`).test(wording)) return { message, hint: TIME_OF_DAY_HINT };
  return { message, hint: `use one of: ${FORMS}` };
}

/** Returns undefined if the text matches no form of the language. */
function parseForm(text: string): RecurrenceResult | undefined {
  if (/^hour$/i.test(text)) return { recurrence: { text: 'hour', cron: '0 * * * *' } };
  const lower = text.toLowerCase();
  const daily = DAY_AND_TIME.exec(lower);
  const days = daily && toCronDays(daily[1]);
  if (days) return { recurrence: { text: lower, cron: `${Number(daily[3])} ${Number(daily[2])} * * ${days}` } };

  const monthly = MONTH_AND_TIME.exec(lower);
  if (monthly) {
    const day = monthly[1] === 'last' ? 'L' : Number(monthly[1]);
    if (day !== 'L' && (day < 1 || day > 31)) {
      return { message: `no month has a day ${day}`, hint: 'use a day from 1 to 31, or last' };
    }
    const normalized = `month on ${day === 'L' ? 'last' : day} at ${monthly[2]}:${monthly[3]}`;
    return { recurrence: { text: normalized, cron: `${Number(monthly[3])} ${Number(monthly[2])} ${day} * *` } };
  }
  const cron = /^cron (.+)$/i.exec(text)?.[1];
  return cron === undefined ? undefined : parseCron(cron);
}

function parseCron(cron: string): RecurrenceResult {
  const message = `${quote(cron)} is not a cron pattern`;
  const count = cron.split(' ').length;
  if (count !== 5) return { message, hint: count === 6 ? `there are no seconds: ${CRON_HINT}` : CRON_HINT };
  // Croner would read `? * 1` as every day, other implementations as Mondays.
  if (cron.includes('?')) return { message, hint: `write * for any: cron ${cron.replaceAll('?', '*')}` };
  try {
    new Cron(cron, { mode: '5-part', utcOffset: 0 });
  } catch (error) {
    const part = /Invalid value for (\w+)/.exec(String(error))?.[1];
    return { message, hint: RANGE_HINTS[part ?? ''] ?? CRON_HINT };
  }
  if (nextOccurrence(cron, 'UTC', 0) === null) {
    return { message: `cron ${quote(cron)} is never due`, hint: 'none of its months has such a day' };
  }
  return { recurrence: { text: `cron ${cron}`, cron } };
}

const RANGE_HINTS: { readonly [part: string]: string } = {
  minute: 'minutes are 0 to 59',
  hour: 'hours are 0 to 23',
  day: 'days of the month are 1 to 31, L is the last',
  month: 'months are 1 to 12',
  dayOfWeek: 'days of the week are 0 (sunday) to 6, or sun to sat',
};

/** Returns the day-of-week field of a cron pattern for `day`, `weekday` or the name of a weekday. */
function toCronDays(word: string | undefined): string | undefined {
  if (word === 'day') return '*';
  if (word === 'weekday') return '1-5';
  const weekday = WEEKDAYS.indexOf(word ?? '') + 1;
  return weekday === 0 ? undefined : String(weekday % 7);
}

function exampleFor(word: string): string {
  return word === 'month' ? 'month on 1 at 09:00' : `${word} 09:00`;
}

/** Rewrites common wordings in the forms of the language: `every Monday at 9am` becomes `monday 09:00`. */
function normalizeRecurrence(text: string): string {
  const normalized = normalizeDay(text)
    .replace(/^week(?:ly)? (?:on )?(?=[a-z])/, '')
    .replace(/^week(?:ly)?(?= |$)/, 'monday');
  const month = /^month (?:on )?(?:the )?(\d{1,2}|last)(?:st|nd|rd|th)?(?: day)? (?:at )?(\d\d:\d\d)$/.exec(normalized);
  if (month) return `month on ${month[1]} at ${month[2]}`;
  if (/^\d\d:\d\d$/.test(normalized)) return `day ${normalized}`;
  const minutes = Number(/^(\d{1,2}) ?m(?:in(?:ute)?s?)?$/.exec(normalized)?.[1] ?? 0);
  if (minutes > 0 && Number.isInteger(60 / minutes)) return `cron */${minutes} * * * *`;
  return /^[\d*/,-]+( \S+){4}$/.test(text) ? `cron ${text}` : normalized;
}
