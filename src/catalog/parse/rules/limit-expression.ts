import type { Limit, Period } from '../../../model/catalog.ts';
import { parseDuration, quote } from '../../../time/duration.ts';
import { getSuggestedSpan } from './normalize-time.ts';
import { parseZone } from './zone-expression.ts';

const FORMS =
  'once, 3 ever, 1 per day, 1 per day in user zone, 2 per day in Europe/Lisbon, 3 per 24h, 3 per day per person';
const FORMS_HINT = `use one of: ${FORMS}`;
const MAX_SENDS = 1000;
const MAX_TEXT_CHARS = 200;

export type LimitResult = { readonly limit: Limit } | { readonly message: string; readonly hint: string };

/**
 * Parses a limit: `once`, `3 ever`, `1 per day`, `1 per day in user zone`, `2 per day in Europe/Lisbon`, `5 per 7d`. `day`
 * is a calendar day (in UTC unless a zone is named); a duration is a rolling span. With ` per person` at the end, the limit
 * counts over all keys of a rule.
 */
export function parseLimit(written: string): LimitResult {
  const text = written.trim().replace(/\s+/g, ' ').slice(0, MAX_TEXT_CHARS);
  const [, each] = /^(.+) per person$/i.exec(text) ?? [];
  if (each === undefined) return parsePeriod(text);
  const parsed = parsePeriod(each);
  if ('limit' in parsed) {
    return { limit: { ...parsed.limit, text: `${parsed.limit.text} per person`, perUser: true } };
  }
  return parsed.hint.startsWith('write ') ? { ...parsed, hint: `${parsed.hint} per person` } : parsed;
}

function parsePeriod(text: string): LimitResult {
  if (/^once( ever)?$/i.test(text)) return toLimit(1, { kind: 'ever' }, 'once');

  const match = /^(once|\d{1,9}) (ever|per (.+))$/i.exec(text);
  if (!match) return diagnose(text);
  const max = /^once$/i.test(match[1]!) ? 1 : Number(match[1]);
  if (max < 1 || max > MAX_SENDS) {
    return { message: `a limit of ${max} is not possible`, hint: `use a number from 1 to ${MAX_SENDS}` };
  }

  const period = match[3];
  if (period === undefined) return toLimit(max, { kind: 'ever' }, max === 1 ? 'once' : `${max} ever`);

  const day = /^(?:calendar )?day(?: in (.+))?$/i.exec(period);
  if (day) {
    if (day[1] === undefined) return toLimit(max, { kind: 'day', zone: 'UTC' }, `${max} per day`);
    const zone = parseZone(day[1]);
    if (typeof zone !== 'string') return zone;
    const suffix = zone === 'UTC' ? '' : zone === 'user' ? ' in user zone' : ` in ${zone}`;
    return toLimit(max, { kind: 'day', zone }, `${max} per day${suffix}`);
  }

  const named = /^(second|minute|hour|week|month|year)$/i.exec(period)?.[1]?.toLowerCase();
  if (named) {
    return { message: `${JSON.stringify(text)} is not a limit`, hint: `write ${max} per ${SPAN_BY_WORD[named]}` };
  }

  const span = parseDuration(period);
  if ('message' in span) {
    const meant = getSuggestedSpan(span.hint);
    return { message: span.message, hint: meant ? `write ${max} per ${meant}` : FORMS_HINT };
  }
  return toLimit(max, { kind: 'rolling', span: span.ms }, `${max} per ${span.text}`);
}

/** The rolling span to suggest for a word that names no period of the language. */
const SPAN_BY_WORD: { readonly [word: string]: string } = {
  second: '1s',
  minute: '1m',
  hour: '1h',
  week: '7d',
  month: '30d',
  year: '365d',
};

function toLimit(max: number, period: Period, text: string): LimitResult {
  return { limit: { max, period, text } };
}

/** Returns the error in a text that matches no form, with the form that was probably meant. */
function diagnose(text: string): LimitResult {
  const message = `${quote(text)} is not a limit`;
  if (/^daily$/i.test(text)) return { message, hint: 'write 1 per day' };
  const compact = /^(\d{1,9}) ?(?:\/|x|times|a|an|every|each) ?(.*)$/i.exec(text);
  if (compact?.[2]) {
    const meant = parseLimit(`${compact[1]} per ${compact[2].replace(/^(per|a|each) /i, '')}`);
    if ('limit' in meant) return { message, hint: `write ${meant.limit.text}` };
    if (meant.hint.startsWith('write ')) return { message, hint: meant.hint };
  }
  return { message, hint: FORMS_HINT };
}
