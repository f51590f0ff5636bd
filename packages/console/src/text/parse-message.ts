/* Parser of the part of ICU messages that texts use, in the place of the library's, which is three times as large as all else of it. */
import type { IntlMessageFormat } from 'intl-messageformat';

type Elements = Exclude<ConstructorParameters<typeof IntlMessageFormat>[0], string>;

/** An element as the formatter takes it. `type`: 0 words, 1 value, 2 number, 5 select, 6 plural, 7 the # of a plural, 8 tag. */
interface Element {
  readonly type: number;
  readonly value?: string;
  readonly style?: null;
  readonly options?: { [key: string]: { readonly value: Element[] } };
  readonly offset?: number;
  readonly pluralType?: 'cardinal';
  readonly children?: Element[];
}

interface Cursor {
  readonly source: string;
  at: number;
}

/**
 * Parses a message: `{name}`, `{name, number}`, `{name, plural, …}`, `{name, select, …}`, `<tag>…</tag>`, and `'{'` for what is
 * none of these. Throws an error for anything else.
 */
export function parseMessage(source: string): Elements {
  const cursor = { source, at: 0 };
  const elements = parseElements(cursor, false);
  if (cursor.at < source.length) throw new Error(`Text "${source}": unexpected ${source.slice(cursor.at)}`);
  return elements as Elements;
}

/** Parses up to the end, or to a `}` or `</` that ends what these elements are in. */
function parseElements(cursor: Cursor, isPlural: boolean): Element[] {
  const elements: Element[] = [];
  // Words, with what is quoted. An apostrophe alone is one.
  const words = isPlural
    ? /(?:''|'[{}<>#](?:[^']|'')*'?|'|[^'{}<#]|<(?![/a-z]))+/iy
    : /(?:''|'[{}<>](?:[^']|'')*'?|'|[^'{}<]|<(?![/a-z]))+/iy;
  for (;;) {
    const text = take(cursor, words);
    if (text !== undefined) elements.push({ type: 0, value: unquote(text, isPlural) });
    else if (take(cursor, /\{\s*/y) !== undefined) elements.push(parseArgument(cursor));
    else if (isPlural && take(cursor, /#/y) !== undefined) elements.push({ type: 7 });
    else if (cursor.source[cursor.at] === '<' && cursor.source[cursor.at + 1] !== '/')
      elements.push(parseTag(cursor, isPlural));
    else return elements;
  }
}

function parseArgument(cursor: Cursor): Element {
  const value = need(cursor, /[^\s,{}]+/y);
  take(cursor, /\s*/y);
  if (take(cursor, /\}/y) !== undefined) return { type: 1, value };
  const kind = need(cursor, /,\s*(number|plural|select)\s*/y).replace(/[\s,]/g, '');
  if (kind === 'number') {
    need(cursor, /\}/y);
    return { type: 2, value, style: null };
  }
  need(cursor, /,\s*/y);
  const options: { [key: string]: { value: Element[] } } = {};
  for (let key = take(cursor, /[^\s{}]+/y); key !== undefined; key = take(cursor, /[^\s{}]+/y)) {
    need(cursor, /\s*\{/y);
    options[key] = { value: parseElements(cursor, kind === 'plural') };
    need(cursor, /\}\s*/y);
  }
  need(cursor, /\}/y);
  return kind === 'select'
    ? { type: 5, value, options }
    : { type: 6, value, options, offset: 0, pluralType: 'cardinal' };
}

function parseTag(cursor: Cursor, isPlural: boolean): Element {
  const value = need(cursor, /<[a-z]+>/iy).slice(1, -1);
  const children = parseElements(cursor, isPlural);
  if (need(cursor, /<\/[a-z]+>/iy) !== `</${value}>`)
    throw new Error(`Text "${cursor.source}": <${value}> does not end`);
  return { type: 8, value, children };
}

function unquote(text: string, isPlural: boolean): string {
  return text.replace(
    isPlural ? /''|'([{}<>#](?:[^']|'')*)'?/g : /''|'([{}<>](?:[^']|'')*)'?/g,
    (_, quoted?: string) => (quoted === undefined ? "'" : quoted.replaceAll("''", "'")),
  );
}

/** Returns what a sticky pattern finds at the cursor, and passes it; undefined: nothing. */
function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.source)?.[0];
  cursor.at += found?.length ?? 0;
  return found;
}

function need(cursor: Cursor, pattern: RegExp): string {
  const found = take(cursor, pattern);
  if (found === undefined) throw new Error(`Text "${cursor.source}": ${pattern.source} expected at ${cursor.at}`);
  return found;
}
