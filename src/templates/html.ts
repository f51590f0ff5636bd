/* Escaping of data in HTML, by the place where it is written. */

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

/**
 * Escapes a value for the place at which it is written: in text and quoted attributes the characters that HTML reserves, in
 * an attribute without quotes also blanks and `=`. In a URL, a scheme that is not safe becomes `#`, and after `?` or `#` the
 * value is percent-encoded, so that it stays one value.
 *
 * @param isEncoded whether the value is percent-encoded already
 */
export function escapeAt(place: HtmlPlace, text: string, isEncoded: boolean): string {
  if (place.kind === 'text') return escapeHtml(text);
  const value = URL_ATTRIBUTES.has(place.name) ? toUrlPart(text, place.value, isEncoded) : text;
  return place.quoted ? escapeHtml(value) : escapeUnquoted(value);
}

const URL_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...['href', 'src', 'action', 'formaction', 'background', 'poster', 'data', 'ping', 'srcdoc', 'xlink:href', 'cite'],
  'longdesc',
]);

/** Percent-encodes a text as one value of a URL. Never throws. */
export function encodeUrlValue(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/['()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}

function toUrlPart(text: string, before: string, isEncoded: boolean): string {
  if (/[?#]/.test(before.replace(/&#(?:x[\da-f]+|\d+);/gi, ''))) return isEncoded ? text : encodeUrlValue(text);
  return filterUrl(text, before);
}

const ESCAPES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
  '`': '&#x60;',
};

/** Escapes text for HTML, including quoted attribute values. */
export function escapeHtml(text: string): string {
  return /[&<>"'`]/.test(text) ? text.replace(/[&<>"'`]/g, (character) => ESCAPES[character]!) : text;
}

function escapeUnquoted(text: string): string {
  return escapeHtml(text).replace(/[\s=]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Filters text that data adds to a URL. Web, mail and telephone links pass; text that makes any other scheme of it, such as
 * `javascript:`, becomes `#`. Escaping does not help, because such a URL has no character to escape.
 *
 * @param before the URL written so far
 */
export function filterUrl(text: string, before: string): string {
  // Browsers ignore control characters and blanks within a scheme, so they must not push it out of the inspected text.
  const started = removeBlanks(before);
  if (/[/?#]/.test(started) || isSafe(started)) return text;
  const added = removeBlanks(text.slice(0, 400));
  const whole = started + added;
  const scheme = /^([^/?#]*?):/.exec(whole)?.[1] ?? whole;
  if (scheme !== whole && !SAFE_SCHEMES.test(scheme)) return '#';
  // Text that may still become a scheme, depending on what follows.
  if (scheme === whole && DANGEROUS_SCHEMES.test(whole)) return '#';
  return /[/?#:]/.test(added) ? text : removeBlanks(text);
}

const SAFE_SCHEMES = /^(?:https?|mailto|tel|sms)$/i;
const DANGEROUS_SCHEMES = /^(?:javascript|vbscript|data)$/i;

function isSafe(address: string): boolean {
  const scheme = /^([^/?#]*?):/.exec(address)?.[1];
  return scheme !== undefined && SAFE_SCHEMES.test(scheme);
}

function removeBlanks(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removes control characters on purpose
  return text.replace(/[\u0000-\u0020\u007f-\u009f]+/g, '');
}

/** Markup that shows something without text. */
const SHOWS_WITHOUT_TEXT = /<(?:img|svg|video|audio|picture|iframe|object)\b|\bbackground\s*=|url\(/i;

/** Whether a reader sees nothing of the HTML: no text and no image. Takes linear time. */
export function isBlankHtml(html: string): boolean {
  if (SHOWS_WITHOUT_TEXT.test(html)) return false;
  let from = 0;
  while (from < html.length) {
    const open = html.indexOf('<', from);
    const text = html.slice(from, open < 0 ? html.length : open);
    if (!isBlankText(text.replace(/&(?:nbsp|zwnj|zwj|shy|#0*160|#x0*a0|#0*847|#0*8199|#0*8204|#0*173);/gi, '')))
      return false;
    if (open < 0) return true;
    const hidden = /^<(!--|(?:style|script|title|head)\b)/i.exec(html.slice(open, open + 12))?.[1]?.toLowerCase();
    const content = hidden === undefined ? open : findEnd(html, hidden, open);
    const close = content < 0 ? -1 : html.indexOf('>', content);
    if (close < 0) return true;
    from = close + 1;
  }
  return true;
}

/** Returns the index at which the content of an element, or a comment, ends before its last `>`; -1 if it does not end. */
function findEnd(html: string, element: string, from: number): number {
  const end = new RegExp(element === '!--' ? '-->' : `</${element}`, 'gi');
  end.lastIndex = from;
  const found = end.exec(html)?.index ?? -1;
  return found < 0 || element !== '!--' ? found : found + 2;
}

/** Whether a reader sees nothing of the text: only white space, and characters without width. */
export function isBlankText(text: string): boolean {
  return !SEEN.test(text);
}

/** A character that is neither white space nor invisible (format characters, joiners, variation selectors). */
const SEEN = /[^\s\p{Default_Ignorable_Code_Point}\p{Cf}]/u;
