import type { HtmlPlace } from './html-place.ts';

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
