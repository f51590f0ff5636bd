/* All that the console says: English text in the source, its translation from the texts of the language. */
import { IntlMessageFormat } from 'intl-messageformat';

/** A value in a text; a node of React only in `T`. */
type Value = string | number | boolean | null | undefined;

let texts: Readonly<Record<string, string>> = {};
let locale = 'en';
/** Parsed messages by their English text: parsing takes far longer than formatting. As many as the source has. */
const messages = new Map<string, IntlMessageFormat>();

/** Sets the texts that `t` and `T` give from now on. Before the first page is loaded, because modules keep what they were given. */
export function setTexts(given: Readonly<Record<string, string>>, givenLocale: string): void {
  texts = given;
  locale = givenLocale;
  messages.clear();
}

/**
 * Returns a text in the language of the viewer. `source`: the English one, an ICU message, always written out as a literal, so that
 * it is found for translation: `t('{count, plural, one {# user} other {# users}}', { count })`.
 */
export function t(source: string, values?: Readonly<Record<string, Value>>): string {
  const text = texts[source] ?? source;
  return values === undefined ? text : (getMessage(source).format(values) as string);
}

/** Returns the parsed message of an English text. */
export function getMessage(source: string): IntlMessageFormat {
  const known = messages.get(source);
  if (known) return known;
  const made = new IntlMessageFormat(texts[source] ?? source, locale);
  messages.set(source, made);
  return made;
}

/** Returns the locale that dates and numbers follow. */
export function getLocale(): string {
  return locale;
}

/** Formats a whole number: `12,331`. */
export function formatCount(count: number): string {
  return count.toLocaleString(locale);
}

/** Returns a label as it stands in a sentence: in small letters, but as it is in German, whose nouns keep their capitals. */
export function toInner(label: string): string {
  return locale.startsWith('de') ? label : label.toLocaleLowerCase(locale);
}
