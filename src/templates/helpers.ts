import { LRUCache } from 'lru-cache';
import { DateTime, type Zone } from 'luxon';
import { canonicalizeLocale } from '../lib/text/locale.ts';
import type { Json } from '../model/event.ts';
import { findZone, UTC } from '../time/zone.ts';
import { encodeUrlValue } from './html-escape.ts';

export type Value = Json | undefined;

/** A function that a template may call: `{{upper event.currency}}`, `{{#if (gt event.amount 100)}}`. Pure. */
export interface Helper {
  /** Usage, shown if the helper is called with the wrong number of arguments. */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  /** Names of `name=value` options. */
  readonly options: readonly string[];
  /** Computes the result; `locale` is the locale of the template. Never throws for any JSON. */
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
    toText(value).toLocaleUpperCase(resolveLocale(undefined, locale)),
  ),
  lower: helper('{{lower event.status}}', 1, 1, [], ([value], _, locale) =>
    toText(value).toLocaleLowerCase(resolveLocale(undefined, locale)),
  ),
  url: helper('https://x.example/?q={{url event.query}}', 1, 1, [], ([value]) => encodeUrlValue(toText(value))),
  required: helper('{{required event.amount}}', 1, 1, ['name'], ([value]) => value),
  date: helper('{{date event.due_at "d LLLL yyyy" zone=user.time_zone}}', 1, 2, ['zone', 'locale'], formatDate),
  number: helper('{{number event.count digits=2}}', 1, 1, ['digits', 'locale'], formatNumber),
  money: helper('{{money event.amount event.currency}}', 2, 2, ['locale'], formatMoney),
  currency: helper('{{currency event.amount event.currency}}', 2, 2, ['locale'], formatMoney),
  plural: helper(
    '{{plural event.count one="item" other="items"}}',
    1,
    1,
    ['zero', 'one', 'two', 'few', 'many', 'other', 'locale'],
    choosePlural,
  ),
  asset: helper('{{asset "logo.png"}}', 1, 1, [], ([value]) => value),
  lookup: helper('{{lookup event.labels event.status}}', 2, 2, [], ([of, name]) => getMember(of, toText(name))),
  eq: helper('(eq event.status "open")', 2, 2, [], ([a, b]) => areEqual(a, b)),
  ne: helper('(ne event.status "open")', 2, 2, [], ([a, b]) => !areEqual(a, b)),
  gt: helper('(gt event.amount 100)', 2, 2, [], ([a, b]) => compareValues(a, b, (order) => order > 0)),
  gte: helper('(gte event.amount 100)', 2, 2, [], ([a, b]) => compareValues(a, b, (order) => order >= 0)),
  lt: helper('(lt event.amount 100)', 2, 2, [], ([a, b]) => compareValues(a, b, (order) => order < 0)),
  lte: helper('(lte event.amount 100)', 2, 2, [], ([a, b]) => compareValues(a, b, (order) => order <= 0)),
  and: helper('(and event.a event.b)', 2, 8, [], (args) => args.find((value) => !isTruthy(value)) ?? args.at(-1)),
  or: helper('(or user.name event.name)', 2, 8, [], (args) => args.find(isTruthy) ?? args.at(-1)),
  not: helper('(not event.paid)', 1, 1, [], ([value]) => !isTruthy(value)),
};

/** Whether `{{#if}}` accepts the value: missing, null, false, zero, empty text and empty lists are false. */
export function isTruthy(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** Returns an own property, so that only data from JSON is reachable. Lists and texts have `length`. */
export function getMember(of: Value, name: string): Value {
  if (typeof of === 'string') return name === 'length' ? of.length : undefined;
  if (typeof of !== 'object' || of === null || !Object.hasOwn(of, name)) return undefined;
  return (of as { [key: string]: Json })[name];
}

/** Returns the display text of a value; empty for missing, null and objects. */
export function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return '';
  return value
    .filter((item) => typeof item !== 'object')
    .map(toText)
    .join(', ');
}

function areEqual(a: Value, b: Value): boolean {
  return (a ?? null) === (b ?? null);
}

function compareValues(a: Value, b: Value, test: (order: number) => boolean): boolean {
  if (typeof a === 'number' && typeof b === 'number') return test(a - b);
  if (typeof a !== 'string' || typeof b !== 'string') return false;
  const [first, second] = [toInstant(a), toInstant(b)];
  if (first !== undefined && second !== undefined) return test(first - second);
  return test(a < b ? -1 : a > b ? 1 : 0);
}

const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** Returns the time (ms) of a date and time with an offset, so that times in different offsets compare as instants. */
function toInstant(text: string): number | undefined {
  if (text.length > 40 || !INSTANT.test(text)) return undefined;
  const time = Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(time) ? undefined : time;
}

// ---------------------------------------------------------------------------------------------------------------------
// Formats. Locales, zones and currencies may come from data: each is validated, and the caches are bounded.

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;

/** Formats ISO 8601 text or epoch milliseconds. Text without a zone is UTC; a date alone is the same day in every zone. */
function formatDate(args: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const [value, format] = args;
  const when = parseTime(value, resolveZone(options.zone));
  if (when === undefined || !when.isValid) return '';
  const pattern = typeof format === 'string' && format !== '' ? format.slice(0, 100) : 'd LLLL yyyy';
  return when.setLocale(resolveLocale(options.locale, locale)).toFormat(pattern);
}

function parseTime(value: Value, zone: Zone): DateTime | undefined {
  if (typeof value === 'number') return DateTime.fromMillis(Math.trunc(value), { zone: 'utc' }).setZone(zone);
  if (typeof value !== 'string' || value.length > 40) return undefined;
  if (DATE.test(value)) return DateTime.fromISO(value, { zone: 'utc' });
  // A time without a date is not accepted: luxon would add today's date, and rendering reads no clock.
  return DATE_TIME.test(value) ? DateTime.fromISO(value.replace(' ', 'T'), { zone: 'utc' }).setZone(zone) : undefined;
}

function formatNumber([value]: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const number = toNumber(value);
  if (number === undefined) return '';
  const digits = toNumber(options.digits);
  const wanted = digits === undefined ? undefined : Math.min(10, Math.max(0, Math.trunc(digits)));
  return getNumberFormat(resolveLocale(options.locale, locale), '', wanted).format(number);
}

/** Formats an amount in the main unit of the currency (12.5 is 12.50 EUR); with an unknown currency a plain number. */
function formatMoney(args: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const number = toNumber(args[0]);
  if (number === undefined) return '';
  const code = toText(args[1]).toUpperCase();
  const wanted = resolveLocale(options.locale, locale);
  if (!/^[A-Z]{3}$/.test(code)) return getNumberFormat(wanted, '', 2).format(number);
  return getNumberFormat(wanted, code, undefined).format(number);
}

/** Returns the text for a number, by the rules of the locale; `zero` also where the language has no form for it. */
function choosePlural([value]: readonly Value[], options: { readonly [name: string]: Value }, locale: string): Value {
  const number = toNumber(value);
  if (number === undefined) return '';
  if (number === 0 && options.zero !== undefined) return options.zero;
  return options[getPluralRules(resolveLocale(options.locale, locale)).select(number)] ?? options.other;
}

const pluralRules = new LRUCache<string, Intl.PluralRules>({ max: 500 });

function getPluralRules(locale: string): Intl.PluralRules {
  let rules = pluralRules.get(locale);
  if (rules === undefined) {
    rules = new Intl.PluralRules(locale);
    pluralRules.set(locale, rules);
  }
  return rules;
}

/** Name of the setting of a tenant, in `tenant`, below which the files of `{{asset}}` are. */
export const ASSET_BASE_URL = 'asset_base_url';

/** Returns the URL of a file below the base. Each step of the name is encoded, so that none leads out of the base. */
export function toAssetUrl(base: string, name: string): string {
  const steps = name.split('/').filter((step) => !/^\.{0,2}$/.test(step));
  return `${base.replace(/\/$/, '')}/${steps.map((step) => encodeUrlValue(step)).join('/')}`;
}

function toNumber(value: Value): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '' || value.length > 40)) {
    return undefined;
  }
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

const numberFormats = new LRUCache<string, Intl.NumberFormat>({ max: 500 });

function getNumberFormat(locale: string, currency: string, digits: number | undefined): Intl.NumberFormat {
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

/** Returns a locale reduced to language, script and region: extensions would let data fill luxon's unbounded caches. */
function resolveLocale(wanted: Value, fallback: string): string {
  for (const candidate of [wanted, fallback]) {
    if (typeof candidate !== 'string' || candidate.length > 35) continue;
    let known = locales.get(candidate);
    if (known === undefined) {
      const plain = /^[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?/i.exec(canonicalizeLocale(candidate) ?? '')?.[0];
      known = plain === undefined ? '' : (Intl.NumberFormat.supportedLocalesOf(plain)[0] ?? '');
      locales.set(candidate, known);
    }
    if (known !== '') return known;
  }
  return 'en';
}

/** Returns the zone of this name, or UTC for any other value. */
function resolveZone(wanted: Value): Zone {
  return ((typeof wanted === 'string' ? findZone(wanted) : undefined) ?? UTC).zone;
}
