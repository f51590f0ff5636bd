import { Cron } from 'croner';
import { findNearest } from '../../../lib/did-you-mean.ts';
import type { At, Recurrence, Zone } from '../../../model/catalog.ts';
import { nextOccurrence } from '../../../time/calendar.ts';
import { parseDuration, quote } from '../../../time/duration.ts';

interface Mistake {
  readonly message: string;
  readonly hint: string;
}

/** `fieldOffset`: where the field begins in what was written; 0 without a field. */
export type AtResult = { readonly at: At; readonly fieldOffset: number } | Mistake;

export type RecurrenceResult = { readonly recurrence: Recurrence } | Mistake;

const AT_FORMS = 'event.starts_at - 24h, event.due_at - 1d 09:00, event.due_at 09:00, 09:00, monday 09:00';
const RECURRENCE_FORMS = 'monday 09:00, day 18:00, weekday 08:30, month on 1 at 09:00, hour, cron 0 9 * * 1';
const CRON_FIELDS = 'five fields: minute, hour, day of month, month, day of week, as in cron 0 9 * * 1';

/** Characters of what is read. */
const LONGEST = 1000;

const TIMES = 'times of day are 00:00 to 23:59';
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const TIME = '([01]\\d|2[0-3]):([0-5]\\d)';
const DAY_AND_TIME = new RegExp(`^(?:([a-z]+) )?${TIME}$`, 'i');
const MONTH_AND_TIME = new RegExp(`^month on (\\d{1,2}|last) at ${TIME}$`, 'i');
const FIELD_AND_TIME = new RegExp(`^(.*\\S)\\s+${TIME}$`, 's');
const FIELD_AND_OFFSET = /^(.*\S)\s+([+-])\s+(\d[\da-z]*(?: [a-z]+)?)$/is;

/**
 * Reads a point in time to wait for: `event.starts_at`, `event.starts_at - 24h`, `event.due_at - 1d 09:00` (that local
 * day's time), `event.due_at 09:00`, `09:00` (the next), `monday 09:00` (the next). The field is any CEL expression; it
 * is not judged here.
 */
export function parseAt(written: string): AtResult {
  const text = written.trim();
  const next = DAY_AND_TIME.exec(text);
  const weekday = WEEKDAYS.indexOf(next?.[1]?.toLowerCase() ?? '') + 1;
  if (next && (weekday > 0 || next[1] === undefined)) {
    const timeOfDay = minutes(next[2]!, next[3]!);
    return { at: { text, offset: 0, timeOfDay, ...(weekday > 0 && { weekday }) }, fieldOffset: 0 };
  }
  const mistake = diagnoseAt(text);
  if (mistake) return mistake;

  const timed = FIELD_AND_TIME.exec(text);
  const shifted = FIELD_AND_OFFSET.exec(timed?.[1] ?? text);
  const field = shifted?.[1] ?? timed?.[1] ?? text;
  let offset = 0;
  if (shifted) {
    const span = parseDuration(shifted[3]!);
    if ('message' in span) {
      const meant = /^write (\w+)$/.exec(span.hint)?.[1];
      const time = timed ? ` ${timed[2]}:${timed[3]}` : '';
      return { message: span.message, hint: meant ? `write ${field} ${shifted[2]} ${meant}${time}` : span.hint };
    }
    offset = shifted[2] === '-' ? -span.ms : span.ms;
  }
  if (FIELD_AND_OFFSET.test(field)) {
    return { message: `${quote(text)} has more than one duration`, hint: 'write one, from large to small: 1d12h' };
  }
  const timeOfDay = timed && minutes(timed[2]!, timed[3]!);
  return {
    at: { text, field, offset, ...(timeOfDay !== null && { timeOfDay }) },
    fieldOffset: written.length - written.trimStart().length,
  };
}

/**
 * Reads when a rule acts by itself: `monday 09:00`, `day 18:00`, `weekday 08:30` (Monday to Friday), `month on 1 at
 * 09:00` (1 to 31, in the months that have it, or `last`), `hour` (on the hour), `cron 0 9 * * 1` (as cron reads it:
 * with both days given, either of them will do).
 */
export function parseRecurrence(written: string): RecurrenceResult {
  const text = written.trim().replace(/\s+/g, ' ');
  const message = `${quote(text)} does not say when`;
  if (text.length > LONGEST) return { message, hint: `at most ${LONGEST} characters` };
  const read = recurrenceOf(text);
  if (read) return read;

  const wording = tidyRecurrence(text);
  const meant = recurrenceOf(wording);
  if (meant) return 'recurrence' in meant ? { message, hint: `write ${meant.recurrence.text}` } : meant;
  const word = findNearest(wording.split(' ')[0]!, ['hour', 'day', 'weekday', 'month', ...WEEKDAYS]);
  const near = word && recurrenceOf(wording.replace(/^\S+/, word));
  if (near && 'recurrence' in near) return { message, hint: `did you mean ${near.recurrence.text}?` };
  if (word && !wording.includes(':')) return { message, hint: `the time is missing: ${dayForm(word)}` };
  if (/\d:\d\d$/.test(wording) && !new RegExp(`${TIME}$`).test(wording)) return { message, hint: TIMES };
  return { message, hint: `it can be: ${RECURRENCE_FORMS}` };
}

/** Reads `user` (or `user zone`), `UTC` or an IANA name; a name in the spelling that Intl lists. */
export function parseZone(written: string): Zone | Mistake {
  const text = written.trim();
  if (/^((the )?user('s)? (own )?(time )?zone|user)$/i.test(text)) return 'user';
  if (/^utc$/i.test(text)) return 'UTC';
  const zones = Intl.supportedValuesOf('timeZone');
  const listed = zones.find((zone) => zone.toLowerCase() === text.toLowerCase());
  if (listed !== undefined) return listed;
  // Intl also knows names that its list leaves out (Asia/Kolkata); offsets are not zones, they know no summer time.
  if (/^[A-Za-z]/.test(text) && isZone(text)) return text;
  const near = findNearest(text, zones) ?? findNearest(text, ['user', 'user zone']);
  return {
    message: `there is no time zone ${JSON.stringify(text.slice(0, 60).toWellFormed())}`,
    hint: near ? `did you mean ${near}?` : 'write user zone, UTC or an IANA name like Europe/Lisbon',
  };
}

/** A slip that is near to one of the forms, or a text that can be no field. */
function diagnoseAt(text: string): Mistake | undefined {
  if (text === '') return { message: 'the point in time is missing', hint: `it can be: ${AT_FORMS}` };
  const message = `${quote(text)} is not a point in time`;
  if (text.length > LONGEST) return { message, hint: `at most ${LONGEST} characters` };

  const alone = parseDuration(text.replace(/^[+-]\s*/, ''));
  if ('ms' in alone) {
    if (text.startsWith('-')) return { message, hint: `before what? event.starts_at - ${alone.text}` };
    return { message, hint: `write delay: ${alone.text}, or a field: event.starts_at + ${alone.text}` };
  }
  const around = /^(\d+ ?[a-z]+) (before|after) (\S.*)$/is.exec(text);
  if (around) {
    return { message, hint: `write ${around[3]} ${around[2] === 'before' ? '-' : '+'} ${tidySpan(around[1]!)}` };
  }
  const wording = normalizeDay(text);
  const [, word, hour, minute] = DAY_AND_TIME.exec(wording) ?? [];
  if (hour !== undefined) {
    if (word === undefined || WEEKDAYS.includes(word)) return { message, hint: `write ${wording}` };
    const weekday = findNearest(word, WEEKDAYS);
    const time = `${hour}:${minute}`;
    return { message, hint: weekday ? `did you mean ${weekday} ${time}?` : `the next ${time} is written ${time}` };
  }
  if (WEEKDAYS.includes(wording)) return { message, hint: `the time is missing: ${wording} 09:00` };
  if (/(?:^|\s)\d{1,2}:\d{2}$/.test(text) && !new RegExp(`${TIME}$`).test(wording)) return { message, hint: TIMES };
  if (/^[a-z]\w*(?:_\w+|(?= [+-] ))(?: [-+\w: ]+)?$/i.test(text) && !/^now\b/.test(text)) {
    return { message, hint: `did you mean event.${text}?` };
  }
  if (!/[.[("']/.test(text) && !/^now\b/.test(text)) return { message, hint: `it can be: ${AT_FORMS}` };

  const tight = /^(.*[^\s+-])(?:([+-])\s*|\s+([+-]))((?:\d+[wdhms])+(?: [\d:]+)?)$/s.exec(text);
  if (tight) return { message, hint: `write ${tight[1]} ${tight[2] ?? tight[3]} ${tight[4]}` };

  const ending = /^(.*?\S)\s+((?:at )?\d{1,2}(?:[:.h]\d{2})?(?: ?[ap]m)?)$/is.exec(text);
  const time = normalizeDay(ending?.[2] ?? '');
  if (ending && time !== ending[2] && DAY_AND_TIME.test(time)) return { message, hint: `write ${ending[1]} ${time}` };

  const stray = /\s([a-z]+day)\s+\S+$/i.exec(text)?.[1]?.toLowerCase();
  if (stray && WEEKDAYS.includes(stray)) return { message, hint: 'a weekday cannot follow a field, only a time can' };
  return undefined;
}

/** Undefined: it has none of the forms. */
function recurrenceOf(text: string): RecurrenceResult | undefined {
  if (/^hour$/i.test(text)) return { recurrence: { text: 'hour', cron: '0 * * * *' } };
  const lower = text.toLowerCase();
  const daily = DAY_AND_TIME.exec(lower);
  const days = daily && cronDays(daily[1]);
  if (days) return { recurrence: { text: lower, cron: `${Number(daily[3])} ${Number(daily[2])} * * ${days}` } };

  const monthly = MONTH_AND_TIME.exec(lower);
  if (monthly) {
    const day = monthly[1] === 'last' ? 'L' : Number(monthly[1]);
    if (day !== 'L' && (day < 1 || day > 31)) {
      return { message: `no month has a day ${day}`, hint: 'from 1 to 31, or last' };
    }
    const said = `month on ${day === 'L' ? 'last' : day} at ${monthly[2]}:${monthly[3]}`;
    return { recurrence: { text: said, cron: `${Number(monthly[3])} ${Number(monthly[2])} ${day} * *` } };
  }
  const cron = /^cron (.+)$/i.exec(text)?.[1];
  return cron === undefined ? undefined : readCron(cron);
}

function readCron(cron: string): RecurrenceResult {
  const message = `${quote(cron)} is not a cron pattern`;
  const count = cron.split(' ').length;
  if (count !== 5) {
    return { message, hint: count === 6 ? `without seconds: ${CRON_FIELDS}` : CRON_FIELDS };
  }
  // Croner would take `? * 1` for every day, where other readers take it for Mondays.
  if (cron.includes('?')) return { message, hint: `write * for any: cron ${cron.replaceAll('?', '*')}` };
  try {
    new Cron(cron, { mode: '5-part', utcOffset: 0 });
  } catch (error) {
    const part = /Invalid value for (\w+)/.exec(String(error))?.[1];
    return { message, hint: RANGES[part ?? ''] ?? CRON_FIELDS };
  }
  if (nextOccurrence(cron, 'UTC', 0) === null)
    return { message: `cron ${quote(cron)} is never due`, hint: 'no month it names has such a day' };
  return { recurrence: { text: `cron ${cron}`, cron } };
}

const RANGES: { readonly [part: string]: string } = {
  minute: 'minutes are 0 to 59',
  hour: 'hours are 0 to 23',
  day: 'days of the month are 1 to 31, L is the last',
  month: 'months are 1 to 12',
  dayOfWeek: 'days of the week are 0 (sunday) to 6, or sun to sat',
};

function cronDays(word: string | undefined): string | undefined {
  if (word === 'day') return '*';
  if (word === 'weekday') return '1-5';
  const weekday = WEEKDAYS.indexOf(word ?? '') + 1;
  return weekday === 0 ? undefined : String(weekday % 7);
}

function dayForm(word: string): string {
  return word === 'month' ? 'month on 1 at 09:00' : `${word} 09:00`;
}

/** Puts what people write into the words of the language: `every Monday at 9am` is `monday 09:00`. */
function tidyRecurrence(text: string): string {
  const tidy = normalizeDay(text)
    .replace(/^week(?:ly)? (?:on )?(?=[a-z])/, '')
    .replace(/^week(?:ly)?(?= |$)/, 'monday');
  const month = /^month (?:on )?(?:the )?(\d{1,2}|last)(?:st|nd|rd|th)?(?: day)? (?:at )?(\d\d:\d\d)$/.exec(tidy);
  if (month) return `month on ${month[1]} at ${month[2]}`;
  if (/^\d\d:\d\d$/.test(tidy)) return `day ${tidy}`;
  const every = Number(/^(\d{1,2}) ?m(?:in(?:ute)?s?)?$/.exec(tidy)?.[1] ?? 0);
  if (every > 0 && 60 % every === 0) return `cron */${every} * * * *`;
  return /^[\d*/,-]+( \S+){4}$/.test(text) ? `cron ${text}` : tidy;
}

function normalizeDay(text: string): string {
  return tidyTime(text.toLowerCase().replace(/\s+/g, ' '))
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

/** `9:00`, `9.30`, `9h30`, `9am` and `9:30 pm` as hours and minutes of 24. */
function tidyTime(text: string): string {
  const written = /(?<![\w:.])(\d{1,2})(?:[:.h](\d{2}))?(?: ?([ap])m)?(?![\w:.])/g;
  return text.replace(written, (all: string, hour: string, minute: string | undefined, half: string | undefined) => {
    if (minute === undefined && half === undefined) return all;
    if (Number(hour) > (half ? 12 : 24) || Number(minute ?? 0) > 59) return all;
    const hours = half ? (Number(hour) % 12) + (half === 'p' ? 12 : 0) : Number(hour) % 24;
    return `${String(hours).padStart(2, '0')}:${minute ?? '00'}`;
  });
}

function tidySpan(text: string): string {
  const span = parseDuration(text);
  return 'ms' in span ? span.text : (/^write (\w+)$/.exec(span.hint)?.[1] ?? text);
}

function minutes(hour: string, minute: string): number {
  return Number(hour) * 60 + Number(minute);
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
