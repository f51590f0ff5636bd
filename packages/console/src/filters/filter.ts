/* Filters of lists: what is chosen stands in the address, as `?status=dead&since=2h`. */
import { t } from '../text/text.ts';

/** Chosen values by field; null: everything. `since` and `until`: a time (ISO 8601), or how long ago, such as `2h`. */
export type Filter = { readonly [field: string]: string | null };

/** A field that a filter may ask for. */
export interface FilterField {
  /** Its name in the address, and before the colon of what is typed. */
  readonly name: string;
  readonly label: string;
  /** Values that may be chosen; undefined: they are not loaded; null: any may be typed. */
  readonly values: readonly FieldValue[] | undefined | null;
  /** Returns the label of a value, also of one that is not among `values`; absent: the value itself. */
  readonly toLabel?: (value: string) => string;
  /** False: its values are chosen elsewhere on the page. */
  readonly hasMenu?: boolean;
}

export interface FieldValue {
  readonly value: string;
  /** Absent: as its field says. */
  readonly label?: string;
  /** Items that would be shown; absent: not known. */
  readonly count?: number;
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const AGO = /^(\d{1,5})([mhd])$/;

/** Returns the time (ISO 8601) of `2h` or of a time; null: it is neither. @param now in ms */
export function toTime(text: string, now: number): string | null {
  const [, count, unit] = AGO.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : now - Number(count) * UNITS[unit as keyof typeof UNITS];
  return Number.isNaN(time) || Math.abs(time) > 8e15 ? null : new Date(time).toISOString();
}

/** Returns a filter with its times as the API takes them. What is no time is left out. */
export function withTimes<T extends Filter>(filter: T, now: number): T {
  const times = ['since', 'until'].flatMap((name) => {
    const text = filter[name];
    return text == null ? [] : [[name, toTime(text, now)] as const];
  });
  return { ...filter, ...Object.fromEntries(times) };
}

/** Returns the query of an address with what is chosen: empty, or with its question mark. */
export function toQuery(filter: Filter): string {
  const chosen = Object.entries(filter).filter((one): one is [string, string] => one[1] !== null && one[1] !== '');
  return chosen.length === 0 ? '' : `?${new URLSearchParams(chosen)}`;
}

/** Reads the fields of a filter from the query of an address. */
export function readFilter<const Name extends string>(
  query: URLSearchParams,
  names: readonly Name[],
): { readonly [name in Name]: string | null } {
  return Object.fromEntries(names.map((name) => [name, query.get(name) || null])) as { [name in Name]: string | null };
}

/** Typed text as a change of a filter, or the problem with it. */
export type Typed = { readonly change: Filter } | { readonly problem: string };

/**
 * Reads what was typed into the bar: `status:dead since:2h`, values with blanks in quotes. A word without a colon is a value of the one
 * field that has it.
 */
export function parseTyped(
  text: string,
  {
    fields,
    hasTime,
    now,
  }: { readonly fields: readonly FilterField[]; readonly hasTime: boolean; readonly now: number },
): Typed {
  const names = [...fields.map(({ name }) => name), ...(hasTime ? ['since', 'until'] : [])];
  const change: { [field: string]: string | null } = {};
  for (const [, name, quoted, plain] of text.matchAll(/(?:([a-z_]+):)?(?:"([^"]*)"|(\S+))/gi)) {
    const word = quoted ?? plain ?? '';
    const field = name?.toLowerCase() ?? findField(word, fields);
    if (field === undefined)
      return {
        problem: t('“{word}” is no value of one field. Write {names} and a value.', {
          word,
          names: formatNames(names),
        }),
      };
    if (!names.includes(field))
      return { problem: t('There is no “{field}”. Write {names} and a value.', { field, names: formatNames(names) }) };
    if ((field === 'since' || field === 'until') && toTime(word, now) === null) {
      return { problem: t('“{word}” is no time. Write 30m, 2h, 7d, or a time such as 2026-01-31T09:00Z.', { word }) };
    }
    change[field] = word;
  }
  return { change };
}

function findField(word: string, fields: readonly FilterField[]): string | undefined {
  const found = fields.filter(({ values }) => values?.some(({ value }) => value.toLowerCase() === word.toLowerCase()));
  return found.length === 1 ? found[0]?.name : undefined;
}

function formatNames(names: readonly string[]): string {
  return names.map((name) => `${name}:`).join(', ');
}

const SPANS = {
  '1h': t('last hour'),
  '6h': t('last 6 hours'),
  '24h': t('last 24 hours'),
  '7d': t('last 7 days'),
  '30d': t('last 30 days'),
};
/** Spans of time that the bar offers. */
export const OFFERED_SPANS = Object.entries(SPANS).map(([value, label]) => ({ value, label }));
