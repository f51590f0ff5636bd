/* Finds the place in HTML at which a value is written: in text, or in an attribute. */

/** Number of preceding characters of HTML that suffice to find the open tag and attribute: a longer one is read as text. */
export const LOOKBACK_CHARS = 2048;

/** The place at the end of some HTML: in text, or in the value of an attribute. */
export type HtmlPlace =
  | { readonly kind: 'text' }
  | {
      readonly kind: 'attribute';
      /** In lower case. */
      readonly name: string;
      readonly quoted: boolean;
      /** The value written so far, escaped. */
      readonly value: string;
    };

const TEXT: HtmlPlace = { kind: 'text' };

/**
 * Finds the place at which the HTML ends.
 *
 * @param htmlBefore the last LOOKBACK_CHARS characters. Data in it is escaped: it opens and closes no tag and no quote
 */
export function findPlace(htmlBefore: string): HtmlPlace {
  const open = htmlBefore.lastIndexOf('<');
  if (open >= 0) return readTag(htmlBefore.slice(open)) ?? TEXT;
  return findLongAttribute(htmlBefore, '"') ?? findLongAttribute(htmlBefore, "'") ?? TEXT;
}

/** Returns the open attribute of a tag that began before the text that is known. */
function findLongAttribute(html: string, quote: string): HtmlPlace | undefined {
  const at = html.lastIndexOf(quote);
  const name =
    at < 0 ? undefined : /[\s"']([a-z][\w:-]{0,40})\s*=\s*$/i.exec(html.slice(Math.max(0, at - 64), at))?.[1];
  if (name === undefined) return undefined;
  return { kind: 'attribute', name: name.toLowerCase(), quoted: true, value: html.slice(at + 1) };
}

const TAG_START = /^<[a-z][^\s/>]*/i;
const ATTRIBUTE = /[\s/"']*([^\s/>="']+)\s*(?:=\s*(?:"([^"]*)("|$)|'([^']*)('|$)|([^\s"'>]*)))?/y;

/** Returns the attribute that is open at the end of a tag; undefined if no attribute is. */
function readTag(tag: string): HtmlPlace | undefined {
  let at = TAG_START.exec(tag)?.[0].length;
  if (at === undefined) return undefined;
  while (at < tag.length) {
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(tag);
    if (!match) return undefined;
    at = ATTRIBUTE.lastIndex;
    const [whole, name = '', double, doubleEnd, single, singleEnd, bare] = match;
    if (at < tag.length || !whole.includes('=')) continue;
    if (double !== undefined || single !== undefined) {
      if ((doubleEnd ?? singleEnd) !== '') return undefined;
      return { kind: 'attribute', name: name.toLowerCase(), quoted: true, value: double ?? single ?? '' };
    }
    return { kind: 'attribute', name: name.toLowerCase(), quoted: false, value: bare ?? '' };
  }
  return undefined;
}
