/** Texts by language and key. English has them all. */
export interface TextTables {
  readonly [language: string]: { readonly [key: string]: string };
}

/** Texts of your own by key, such as `{ title: 'Inbox', 'category.MARKETING': 'Offers', 'type.ORDER_SHIPPED': 'Shipping' }`. */
export interface OwnTexts {
  readonly [key: string]: string;
}

/** The texts of one language, with those of the page before them. */
export class Texts<Key extends string = string> {
  readonly #table: { readonly [key: string]: string };
  readonly #own: OwnTexts;
  readonly #plurals: Intl.PluralRules;
  readonly #numbers: Intl.NumberFormat;

  constructor(tables: TextTables, locale: string, own: OwnTexts) {
    this.#table = tables[locale.split('-')[0]?.toLowerCase() ?? ''] ?? tables.en ?? {};
    this.#own = own;
    this.#plurals = new Intl.PluralRules(locale);
    this.#numbers = new Intl.NumberFormat(locale);
  }

  get(key: Key, values: { readonly [name: string]: string } = {}): string {
    return this.find(key, values) ?? key;
  }

  /** Returns a text; undefined: there is no text of this name. */
  find(key: string, values: { readonly [name: string]: string } = {}): string | undefined {
    const text = Object.hasOwn(this.#own, key) ? this.#own[key] : this.#table[key];
    return text?.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
  }

  /** Returns a text in the form for a number. @param key without `.one` and `.other` */
  count(key: string, count: number, values: { readonly [name: string]: string } = {}): string {
    const shown = { count: this.number(count), ...values };
    const exact = this.find(`${key}.${this.#plurals.select(count)}`, shown);
    return exact ?? this.find(`${key}.other`, shown) ?? key;
  }

  /** Returns a number; the server counts up to 1,000. */
  number(count: number): string {
    return count >= 1000 ? `${this.#numbers.format(999)}+` : this.#numbers.format(count);
  }

  /** Returns the name of a category, channel or type; one without a text is shown in words. */
  name(kind: 'category' | 'channel' | 'type', id: string): string {
    const words = id.toLowerCase().replaceAll('_', ' ');
    return this.find(`${kind}.${id}`) ?? words.charAt(0).toUpperCase() + words.slice(1);
  }
}

/** Units with their lengths in seconds, and up to which age they are used. */
const UNITS = [
  ['second', 60, 30],
  ['minute', 60, 3600],
  ['hour', 3600, 86_400],
  ['day', 86_400, 604_800],
] as const;

/** Returns the time as `5 minutes ago` or, if it is longer ago than a week, as a date. */
export function formatTime(time: Date, locale: string, now: number): string {
  const seconds = (time.getTime() - now) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const size = Math.abs(seconds);
  for (const [unit, length, end] of UNITS) if (size < end) return relative.format(Math.round(seconds / length), unit);
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(time);
}

export function formatFullTime(time: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' }).format(time);
}
