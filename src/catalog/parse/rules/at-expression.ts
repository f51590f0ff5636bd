import { findNearest } from '../../../lib/text/did-you-mean.ts';
import type { At } from '../../../model/catalog.ts';
import { parseDuration, quote } from '../../../time/duration.ts';
import {
  DAY_AND_TIME,
  type ExpressionProblem,
  getSuggestedSpan,
  guessTime,
  MAX_EXPRESSION_CHARS,
  normalizeDay,
  normalizeSpan,
  TIME,
  TIME_OF_DAY_HINT,
  toMinutes,
  WEEKDAYS,
} from './normalize-time.ts';

/** `fieldOffset`: the index in the written text at which the field begins; 0 without a field. */
export type AtResult = { readonly at: At; readonly fieldOffset: number } | ExpressionProblem;

const FORMS_HINT =
  'use one of: event.starts_at - 24h, event.due_at - 1d 09:00, event.due_at 09:00, 09:00, monday 09:00';
const FIELD_AND_TIME = new RegExp(`^(.*\\S)\\s+${TIME}$`, 's');
const FIELD_AND_OFFSET = /^(.*\S)\s+([+-])\s+(\d[\da-z]*(?: [a-z]+)?)$/is;

/**
 * Parses a point in time to wait for: `event.starts_at`, `event.starts_at - 24h`, `event.due_at - 1d 09:00` (at 09:00 of that
 * local day), `event.due_at 09:00`, `09:00` (the next one), `monday 09:00` (the next one). The field is any CEL expression
 * and is not checked here.
 */
export function parseAt(written: string): AtResult {
  const text = written.trim();
  const next = DAY_AND_TIME.exec(text);
  const weekday = WEEKDAYS.indexOf(next?.[1]?.toLowerCase() ?? '') + 1;
  if (next && (weekday > 0 || next[1] === undefined)) {
    const timeOfDay = toMinutes(next[2]!, next[3]!);
    return { at: { text, offset: 0, timeOfDay, ...(weekday > 0 && { weekday }) }, fieldOffset: 0 };
  }
  const problem = diagnoseAt(text);
  if (problem) return problem;

  const timed = FIELD_AND_TIME.exec(text);
  const shifted = FIELD_AND_OFFSET.exec(timed?.[1] ?? text);
  const field = shifted?.[1] ?? timed?.[1] ?? text;
  let offset = 0;
  if (shifted) {
    const span = parseDuration(shifted[3]!);
    if ('message' in span) {
      const meant = getSuggestedSpan(span.hint);
      const time = timed ? ` ${timed[2]}:${timed[3]}` : '';
      return { message: span.message, hint: meant ? `write ${field} ${shifted[2]} ${meant}${time}` : span.hint };
    }
    offset = shifted[2] === '-' ? -span.ms : span.ms;
  }
  if (FIELD_AND_OFFSET.test(field)) {
    return { message: `${quote(text)} has more than one duration`, hint: 'write one, from large to small: 1d12h' };
  }
  const timeOfDay = timed && toMinutes(timed[2]!, timed[3]!);
  return {
    at: { text, field, offset, ...(timeOfDay !== null && { timeOfDay }) },
    fieldOffset: written.length - written.trimStart().length,
  };
}

/** Returns the error in a text that resembles one of the forms, or that cannot be a field; otherwise undefined. */
function diagnoseAt(text: string): ExpressionProblem | undefined {
  if (text === '') return { message: 'the point in time is missing', hint: FORMS_HINT };
  const message = `${quote(text)} is not a point in time`;
  if (text.length > MAX_EXPRESSION_CHARS) return { message, hint: `use at most ${MAX_EXPRESSION_CHARS} characters` };

  const duration = parseDuration(text.replace(/^[+-]\s*/, ''));
  if ('ms' in duration) {
    if (text.startsWith('-')) return { message, hint: `add a field: event.starts_at - ${duration.text}` };
    return { message, hint: `write delay: ${duration.text}, or add a field: event.starts_at + ${duration.text}` };
  }
  const around = /^(\d+ ?[a-z]+) (before|after) (\S.*)$/is.exec(text);
  if (around) {
    const [, field = around[3], clock = ''] = /^(\S+)\s+(\S.*)$/.exec(around[3]!) ?? [];
    const time = guessTime(clock);
    const sign = around[2]!.toLowerCase() === 'before' ? '-' : '+';
    return {
      message,
      hint: `write ${field} ${sign} ${normalizeSpan(around[1]!)}${time === undefined ? '' : ` ${time}`}`,
    };
  }
  const wording = normalizeDay(text);
  const [, word, hour, minute] = DAY_AND_TIME.exec(wording) ?? [];
  if (hour !== undefined) {
    if (word === undefined || WEEKDAYS.includes(word)) return { message, hint: `write ${wording}` };
    const weekday = findNearest(word, WEEKDAYS);
    const time = `${hour}:${minute}`;
    return { message, hint: weekday ? `did you mean ${weekday} ${time}?` : `write ${time} for the next ${time}` };
  }
  if (/^\d{1,2}$/.test(text) && guessTime(text)) return { message, hint: `write ${guessTime(text)}` };
  if (WEEKDAYS.includes(wording)) return { message, hint: `the time is missing: ${wording} 09:00` };
  if (/(?:^|\s)\d{1,2}:\d{2}$/.test(text) && !new RegExp(`${TIME}$`).test(wording)) {
    return { message, hint: TIME_OF_DAY_HINT };
  }
  if (/^[a-z]\w*(?:_\w+|(?= [+-] ))(?: [-+\w: ]+)?$/i.test(text) && !/^now\b/.test(text)) {
    return { message, hint: `did you mean event.${text}?` };
  }
  if (!/[.[("']/.test(text) && !/^now\b/.test(text)) return { message, hint: FORMS_HINT };

  const meant = guessAfterField(text);
  if (meant) return { message, hint: meant };

  const unspaced = /^(.*[^\s+-])(?:([+-])\s*|\s+([+-]))((?:\d+[wdhms])+(?: [\d:]+)?)$/s.exec(text);
  if (unspaced) return { message, hint: `write ${unspaced[1]} ${unspaced[2] ?? unspaced[3]} ${unspaced[4]}` };

  const ending = /^(.*?\S)\s+((?:at )?\d{1,2}(?:[:.h]\d{2})?(?: ?[ap]m)?)$/is.exec(text);
  const time = normalizeDay(ending?.[2] ?? '');
  if (ending && time !== ending[2] && DAY_AND_TIME.test(time)) return { message, hint: `write ${ending[1]} ${time}` };

  const strayDay = /\s([a-z]+day)(?:\s+\S+)?$/i.exec(text)?.[1]?.toLowerCase();
  if (strayDay && WEEKDAYS.includes(strayDay)) {
    return { message, hint: 'a weekday cannot follow a field, only a time can' };
  }
  return undefined;
}

const FIELD = String.raw`((?:event|user|traits|matched)(?:\.\w+|\["[^"]*"\])+)`;
const VALID = new RegExp(`^${FIELD}(?:\\s+[+-]\\s+(?:\\d+[wdhms])+)?(?:\\s+${TIME})?$`);
const FIELD_AND_REST = new RegExp(`^${FIELD}(?:\\s*([+-]|\\sminus\\b|\\splus\\b)\\s*|[\\s,@]+)(.*)$`, 'is');
const SPAN_AND_REST =
  /^((?:\d+[wdhms])+(?![a-z])|\d+\s*(?:weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|[wdhms])(?![a-z]))(.*)$/is;

/** Returns what to write for a plain field with an offset or a time that has another form; undefined for everything else. */
function guessAfterField(text: string): string | undefined {
  const [, field, word, rest = ''] = FIELD_AND_REST.exec(text) ?? [];
  if (field === undefined || VALID.test(text)) return undefined;
  const time = guessTime(rest);
  if (word === undefined) return time && `write ${field} ${time}`;
  const sign = /minus|-/i.test(word) ? '-' : '+';
  if (rest === '') return `write ${field} ${sign} 1d`;
  if (/^\d{1,2}:\d{2}$/.test(rest)) return time && `write ${field} ${time}`;
  // A number, and an operator of an expression.
  if (!/^\d[\d.]*\s*[a-z].*$/is.test(rest) || /[-+*/%()<>=?&|"[\]]/.test(rest)) return undefined;
  const [, span, clock = ''] = SPAN_AND_REST.exec(rest) ?? [];
  if (span === undefined) return `write ${field} ${sign} 1d, or ${field} ${sign} 1d 09:00`;
  const start = `write ${field} ${sign} ${normalizeSpan(span)}`;
  if (clock.trim() === '') return start;
  return `${start} ${guessTime(clock) ?? '09:00'}`;
}
