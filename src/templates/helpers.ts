import { LRUCache } from 'lru-cache';
import { DateTime } from 'luxon';
import type { Json } from '../model/event.ts';

export type Value = Json | undefined;

/** A function that a template may call: `{{upper event.currency}}`, `{{#if (gt event.amount 100)}}`. Pure. */
export interface Helper {
  /** Shown when it is called with the wrong number of arguments. */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  /** Names it takes as `name=value`. */
  readonly options: readonly string[];
  /** `locale` is the template's own. Never throws for any JSON. */
  call(args: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value;
}

const helper = (usage: string, min: number, max: number, options: readonly string[], call: Helper['call']): Helper => ({
  usage,
  min,
  max,
  options,
  call,
});

export const HELPERS: { readonly [name: string]: Helper } = {
  default: helper('{{default user.first_name "there"}}', 2, 2, [], ([value, otherwise]) =>
    value === undefined || value === null || value === '' ? otherwise : value,
  ),
  upper: helper('{{upper event.currency}}', 1, 1, [], ([value], _, locale) =>
    asText(value).toLocaleUpperCase(localeOf(undefined, locale)),
  ),
  lower: helper('{{lower event.status}}', 1, 1, [], ([value], _, locale) =>
    asText(value).toLocaleLowerCase(localeOf(undefined, locale)),
  ),
  date: helper('{{date event.due_at "d LLLL yyyy" zone=user.time_zone}}', 1, 2, ['zone', 'locale'], formatDate),
  number: helper('{{number event.count digits=2}}', 1, 1, ['digits', 'locale'], formatNumber),
  money: helper('{{money event.amount event.currency}}', 2, 2, ['locale'], formatMoney),
  lookup: helper('{{lookup event.labels event.status}}', 2, 2, [], ([of, name]) => member(of, asText(name))),
  eq: helper('(eq event.status "open")', 2, 2, [], ([a, b]) => same(a, b)),
  ne: helper('(ne event.status "open")', 2, 2, [], ([a, b]) => !same(a, b)),
  gt: helper('(gt event.amount 100)', 2, 2, [], ([a, b]) => compare(a, b, (order) => order > 0)),
  gte: helper('(gte event.amount 100)', 2, 2, [], ([a, b]) => compare(a, b, (order) => order >= 0)),
  lt: helper('(lt event.amount 100)', 2, 2, [], ([a, b]) => compare(a, b, (order) => order < 0)),
  lte: helper('(lte event.amount 100)', 2, 2, [], ([a, b]) => compare(a, b, (order) => order <= 0)),
  and: helper('(and event.a event.b)', 2, 8, [], (args) => args.find((value) => !isTruthy(value)) ?? args.at(-1)),
  or: helper('(or user.name event.name)', 2, 8, [], (args) => args.find(isTruthy) ?? args.at(-1)),
  not: helper('(not event.paid)', 1, 1, [], ([value]) => !isTruthy(value)),
};

/** As `{{#if}}` sees it: missing, null, false, zero, empty text and empty lists are false. */
export function isTruthy(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** An own property: nothing that JSON did not bring is ever reached. Lists and texts have `length`. */
export function member(of: Value, name: string): Value {
  if (typeof of === 'string') return name === 'length' ? of.length : undefined;
  if (typeof of !== 'object' || of === null || !Object.hasOwn(of, name)) return undefined;
  return (of as { [key: string]: Json })[name];
}

/** As a person reads it. What has no such form (missing, null, an object) is empty. */
export function asText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return '';
  return value
    .filter((item) => typeof item !== 'object')
    .map(asText)
    .join(', ');
}

function same(a: Value, b: Value): boolean {
  return (a ?? null) === (b ?? null);
}

function compare(a: Value, b: Value, test: (order: number) => boolean): boolean {
  if (typeof a === 'number' && typeof b === 'number') return test(a - b);
  if (typeof a === 'string' && typeof b === 'string') return test(a < b ? -1 : a > b ? 1 : 0);
  return false;
}

// ---------------------------------------------------------------------------------------------------------------------
// Formats. Locales, zones and currencies may come from data: each is checked, and the caches are bounded.

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;

/** ISO 8601 text or epoch milliseconds; text without a zone is UTC, a date alone is the same day everywhere. */
function formatDate(args: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const [value, format] = args;
  const when = readTime(value, zoneOf(options.zone));
  if (when === undefined || !when.isValid) return '';
  const pattern = typeof format === 'string' && format !== '' ? format.slice(0, 100) : 'd LLLL yyyy';
  return when.setLocale(localeOf(options.locale, locale)).toFormat(pattern);
}

function readTime(value: Value, zone: string): DateTime | undefined {
  if (typeof value === 'number') return DateTime.fromMillis(Math.trunc(value), { zone: 'utc' }).setZone(zone);
  if (typeof value !== 'string' || value.length > 40) return undefined;
  if (DATE.test(value)) return DateTime.fromISO(value, { zone: 'utc' });
  // Never a time alone: luxon would take today's date for it, and rendering has no clock.
  return DATE_TIME.test(value) ? DateTime.fromISO(value.replace(' ', 'T'), { zone: 'utc' }).setZone(zone) : undefined;
}

function formatNumber([value]: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const number = asNumber(value);
  if (number === undefined) return '';
  const digits = asNumber(options.digits);
  const wanted = digits === undefined ? undefined : Math.min(10, Math.max(0, Math.trunc(digits)));
  return numberFormat(localeOf(options.locale, locale), '', wanted).format(number);
}

/** The amount in the currency's main unit (12.5 is 12.50 EUR); an unknown currency leaves a plain number. */
function formatMoney(args: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const number = asNumber(args[0]);
  if (number === undefined) return '';
  const code = asText(args[1]).toUpperCase();
  const wanted = localeOf(options.locale, locale);
  if (!/^[A-Z]{3}$/.test(code)) return numberFormat(wanted, '', 2).format(number);
  return numberFormat(wanted, code, undefined).format(number);
}

function asNumber(value: Value): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '' || value.length > 40)) {
    return undefined;
  }
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

const numberFormats = new LRUCache<string, Intl.NumberFormat>({ max: 500 });

function numberFormat(locale: string, currency: string, digits: number | undefined): Intl.NumberFormat {
  const key = `${locale} ${currency} ${digits ?? ''}`;
  let format = numberFormats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      ...(currency === '' ? {} : { style: 'currency', currency }),
      ...(digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    });
    numberFormats.set(key, format);
  }
  return format;
}

const locales = new LRUCache<string, string>({ max: 500 });

/** Language, script and region only: extensions would let data fill luxon's own, unbounded caches. */
function localeOf(wanted: Value, fallback: string): string {
  for (const candidate of [wanted, fallback]) {
    if (typeof candidate !== 'string' || candidate.length > 35) continue;
    let known = locales.get(candidate);
    if (known === undefined) {
      const plain = /^[a-z]{2,3}([-_][a-z]{4})?([-_]([a-z]{2}|\d{3}))?$/i.test(candidate);
      const tag = candidate.replaceAll('_', '-');
      known = plain ? (Intl.NumberFormat.supportedLocalesOf(tag)[0] ?? '') : '';
      locales.set(candidate, known);
    }
    if (known !== '') return known;
  }
  return 'en';
}

const zones = new LRUCache<string, string>({ max: 1000 });

/** The canonical name of an IANA zone; anything else is UTC. */
function zoneOf(wanted: Value): string {
  if (typeof wanted !== 'string' || wanted === '' || wanted.length > 50) return 'utc';
  let known = zones.get(wanted);
  if (known === undefined) {
    try {
      known = new Intl.DateTimeFormat('en', { timeZone: wanted }).resolvedOptions().timeZone;
    } catch {
      known = 'utc';
    }
    zones.set(wanted, known);
  }
  return known;
}
