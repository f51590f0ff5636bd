import type { Limit, Period } from '../../../model/catalog.ts';
import { parseDuration, quote } from '../../../time/duration.ts';
import { parseZone } from './time-expressions.ts';

const FORMS =
  'once, 3 ever, 1 per day, 1 per day in user zone, 2 per day in Europe/Lisbon, 3 per 24h, 3 per day per person';
const MOST = 1000;

export type LimitResult = { readonly limit: Limit } | { readonly message: string; readonly hint: string };

/**
 * Reads a limit as people write it: `once`, `3 ever`, `1 per day`, `1 per day in user zone`, `2 per day in Europe/Lisbon`,
 * `5 per 7d`. `day` is a calendar day (UTC unless a zone is named); a duration is a span that rolls. With ` per person` at
 * the end it counts over all keys of a rule.
 */
export function parseLimit(written: string): LimitResult {
  const text = written.trim().replace(/\s+/g, ' ').slice(0, 200);
  const [, each] = /^(.+) per person$/i.exec(text) ?? [];
  if (each === undefined) return parsePeriod(text);
  const parsed = parsePeriod(each);
  if ('limit' in parsed) {
    return { limit: { ...parsed.limit, text: `${parsed.limit.text} per person`, perUser: true } };
  }
  return parsed.hint.startsWith('write ') ? { ...parsed, hint: `${parsed.hint} per person` } : parsed;
}

function parsePeriod(text: string): LimitResult {
  if (/^once( ever)?$/i.test(text)) return made(1, { kind: 'ever' }, 'once');

  const match = /^(once|\d{1,9}) (ever|per (.+))$/i.exec(text);
  if (!match) return wrong(text);
  const max = /^once$/i.test(match[1]!) ? 1 : Number(match[1]);
  if (max < 1 || max > MOST) return { message: `a limit of ${max} is not possible`, hint: `from 1 to ${MOST}` };

  const period = match[3];
  if (period === undefined) return made(max, { kind: 'ever' }, max === 1 ? 'once' : `${max} ever`);

  const day = /^(?:calendar )?day(?: in (.+))?$/i.exec(period);
  if (day) {
    if (day[1] === undefined) return made(max, { kind: 'day', zone: 'UTC' }, `${max} per day`);
    const zone = parseZone(day[1]);
    if (typeof zone !== 'string') return zone;
    const suffix = zone === 'UTC' ? '' : zone === 'user' ? ' in user zone' : ` in ${zone}`;
    return made(max, { kind: 'day', zone }, `${max} per day${suffix}`);
  }

  const named = /^(second|minute|hour|week|month|year)$/i.exec(period)?.[1]?.toLowerCase();
  if (named) return { message: `${JSON.stringify(text)} is not a limit`, hint: `write ${max} per ${ROLLING[named]}` };

  const span = parseDuration(period);
  if ('message' in span) {
    const meant = /^write (\w+)$/.exec(span.hint)?.[1];
    return { message: span.message, hint: meant ? `write ${max} per ${meant}` : `limits are: ${FORMS}` };
  }
  return made(max, { kind: 'rolling', span: span.ms }, `${max} per ${span.text}`);
}

const ROLLING: { readonly [word: string]: string } = {
  second: '1s',
  minute: '1m',
  hour: '1h',
  week: '7d',
  month: '30d',
  year: '365d',
};

function made(max: number, period: Period, text: string): LimitResult {
  return { limit: { max, period, text } };
}

function wrong(text: string): LimitResult {
  const message = `${quote(text)} is not a limit`;
  if (/^daily$/i.test(text)) return { message, hint: 'write 1 per day' };
  const compact = /^(\d{1,9}) ?(?:\/|x|times|a|an|every|each) ?(.*)$/i.exec(text);
  if (compact?.[2]) {
    const meant = parseLimit(`${compact[1]} per ${compact[2].replace(/^(per|a|each) /i, '')}`);
    if ('limit' in meant) return { message, hint: `write ${meant.limit.text}` };
    if (meant.hint.startsWith('write ')) return { message, hint: meant.hint };
  }
  return { message, hint: `limits are: ${FORMS}` };
}
