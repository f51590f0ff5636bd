import type { Json } from '../../model/event.ts';

/** Fields of a parsed catalog whose key in the YAML files is not the same name with underscores. */
const KEYS: { readonly [field: string]: string | undefined } = {
  audience: 'for',
  limits: 'limit',
  actions: 'do',
  changes: 'on changes',
  atMost: 'at_most',
  maxAge: 'give_up_after',
};

/** Returns the key under which the catalog has a field: `cancelOn` becomes `cancel_on`. */
export function toCatalogKey(field: string): string {
  return KEYS[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const SPAN_FIELDS = new Set(['expires', 'maxAge', 'expiresAfter', 'wait']);
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/**
 * Returns a value of a parsed catalog as its author wrote it: parts that have a text become that text (`1 per day`), and spans in
 * milliseconds become durations.
 */
export function toCatalogValue(value: Json, field = ''): Json {
  if (typeof value === 'number' && SPAN_FIELDS.has(field)) return formatSpan(value);
  if (Array.isArray(value)) return value.map((item) => toCatalogValue(item));
  if (value === null || typeof value !== 'object') return value;
  const object = value as { readonly [key: string]: Json };
  if (typeof object.text === 'string' && Object.keys(object).length > 1) return object.text;
  const entries = Object.entries(object).filter(([key]) => !key.endsWith('Text'));
  return Object.fromEntries(
    entries.map(([key, part]) => [toCatalogKey(key), object[`${key}Text`] ?? toCatalogValue(part, key)]),
  );
}

function formatSpan(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
