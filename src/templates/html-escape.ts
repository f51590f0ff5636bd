import { decodeHTMLAttribute } from 'entities';
import { escapeHtml } from '../lib/text/escape-html.ts';
import { type AttributePlace, findPlace, type HtmlPlace, KEPT_CHARS } from './html-place.ts';
import { escapeScript, escapeStyle, findOpenUrl } from './script-escape.ts';

/**
 * Escapes a value for the place at which it is written: in text and quoted attributes the characters that HTML reserves, in
 * an attribute without quotes also blanks and `=`. In a URL, a scheme that is not safe becomes `#`, and after `?` or `#` the
 * value is percent-encoded, so that it stays one value. In scripts and styles it cannot end a text or a declaration. Within a
 * tag only letters, digits and `-_:.` are left.
 *
 * @param isEncoded whether the value is percent-encoded already
 */
export function escapeAt(place: HtmlPlace, text: string, isEncoded: boolean): string {
  switch (place.kind) {
    case 'text':
      return escapeHtml(text);
    case 'name':
      return text.replace(/[^\w:.-]+/g, '');
    case 'script':
      return escapeScript(text);
    case 'style':
      return escapeInStyle(text, place.recent, isEncoded);
    case 'attribute': {
      const value = toAttributeValue(place, text, isEncoded);
      return place.quoted ? escapeHtml(value) : escapeUnquoted(value);
    }
  }
}

function toAttributeValue(place: AttributePlace, text: string, isEncoded: boolean): string {
  const { name, start, recent, inQuery } = place;
  if (name.startsWith('on')) return escapeScript(text);
  if (name === 'style') return escapeInStyle(text, decodeHTMLAttribute(recent), isEncoded);
  if (name === 'srcdoc') {
    // A document in the document. One whose start is not known is left empty.
    return start.length < KEPT_CHARS ? escapeAt(findPlace(decodeHTMLAttribute(start)), text, isEncoded) : '';
  }
  if (URL_LISTS.has(name)) return toUrlOfList(text, recent, isEncoded);
  if (URL_ATTRIBUTES.has(name) || name.endsWith(':href')) return toUrlPart(text, start, inQuery, isEncoded);
  // <meta http-equiv="refresh" content="0; url=…">
  const refresh =
    name === 'content' ? /^[\d\s.]*[;,\s]\s*url\s*=\s*["']?(.*)$/is.exec(decodeHTMLAttribute(start)) : null;
  return refresh === null ? text : toUrlPart(text, escapeHtml(refresh[1] ?? ''), inQuery, isEncoded);
}

const URL_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...[
    'href',
    'src',
    'action',
    'formaction',
    'background',
    'poster',
    'data',
    'cite',
    'longdesc',
    'manifest',
    'codebase',
  ],
  // An <animate> changes links by these.
  ...['from', 'to', 'by'],
]);

/** Attributes with several URLs, separated by blanks, commas or semicolons. */
const URL_LISTS: ReadonlySet<string> = new Set(['srcset', 'imagesrcset', 'ping', 'values', 'archive']);

/** Percent-encodes a text as one value of a URL. Never throws. */
export function encodeUrlValue(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/['()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}

function toUrlPart(text: string, before: string, inQuery: boolean, isEncoded: boolean): string {
  if (inQuery) return isEncoded ? text : encodeUrlValue(text);
  return filterUrl(text, before);
}

/** @param recent the end of the list so far */
function toUrlOfList(text: string, recent: string, isEncoded: boolean): string {
  const url = /[^\s,;]*$/.exec(decodeHTMLAttribute(recent).slice(-KEPT_CHARS))?.[0] ?? '';
  if (/[?#]/.test(url)) return isEncoded ? text : encodeUrlValue(text);
  const [first = '', ...others] = text.split(/[\s,;]+/);
  const isSafeList = filterUrl(first, escapeHtml(url)) === first && others.every((one) => filterUrl(one, '') === one);
  return isSafeList ? text : '#';
}

function escapeInStyle(text: string, recent: string, isEncoded: boolean): string {
  const url = findOpenUrl(recent);
  if (url === undefined) return escapeStyle(text);
  const part = toUrlPart(text, escapeHtml(url), /[?#]/.test(url), isEncoded);
  return part.replace(/[\s"'()\\<>;{}]/g, (sign) =>
    encodeURIComponent(sign).replace(/^['()]$/, `%${sign.charCodeAt(0).toString(16)}`),
  );
}

function escapeUnquoted(text: string): string {
  return escapeHtml(text).replace(/[\s=]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Filters text that data adds to a URL. Web, mail and telephone links pass; text that makes any other scheme of it, such as
 * `javascript:`, becomes `#`. Escaping does not help, because such a URL has no character to escape.
 *
 * @param before the first characters of the URL written so far, as HTML
 */
export function filterUrl(text: string, before: string): string {
  // An entity that is not complete may become another character than it has.
  const started = toAddress(before.replace(/&[#\w]{0,40}$/, ''));
  if (/[/?#]/.test(started) || isSafe(started)) return text;
  // Browsers ignore control characters and blanks within a scheme, so they must not push it out of the inspected text.
  const added = removeBlanks(text).slice(0, MAX_SCHEME_CHARS);
  const whole = toAddress(before + escapeHtml(added));
  const scheme = /^([^/?#]*?):/.exec(whole)?.[1] ?? whole;
  if (scheme !== whole && !SAFE_SCHEMES.test(scheme)) return '#';
  // Text that may still become a scheme, depending on what follows.
  if (scheme === whole && DANGEROUS_SCHEMES.test(whole)) return '#';
  return /[/?#:]/.test(added) ? text : removeBlanks(text);
}

const MAX_SCHEME_CHARS = 400;
const SAFE_SCHEMES = /^(?:https?|mailto|tel|sms)$/i;
const DANGEROUS_SCHEMES = /^(?:javascript|vbscript|data)$/i;

function isSafe(address: string): boolean {
  const scheme = /^([^/?#]*?):/.exec(address)?.[1];
  return scheme !== undefined && SAFE_SCHEMES.test(scheme);
}

/** Returns a URL as a browser reads it. @param html the URL as HTML */
function toAddress(html: string): string {
  return removeBlanks(decodeHTMLAttribute(html));
}

function removeBlanks(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removes control characters on purpose
  return text.replace(/[\u0000-\u0020\u007f-\u009f]+/g, '');
}
