import Handlebars from 'handlebars';

/** Escapes text for HTML, including quoted attribute values. */
export function escapeHtml(text: string): string {
  return Handlebars.escapeExpression(text);
}

/** Number of preceding characters of HTML that suffice to detect an attribute whose URL has no scheme yet. */
export const URL_LOOKBACK_CHARS = 300;

/**
 * Returns the URL written so far if the HTML ends inside an attribute that holds a URL (empty at its start), or undefined.
 * @param htmlBefore the last LOOKED_BACK characters
 */
export function findOpenUrl(htmlBefore: string): string | undefined {
  const [, double, single, bare] = OPEN_URL.exec(htmlBefore) ?? [];
  return double ?? single ?? bare;
}

const OPEN_URL =
  /[\s"'](?:href|src|action|formaction|background|poster|data|ping|srcdoc|xlink:href)\s*=\s*(?:"([^"]*)|'([^']*)|([^\s"'>]*))$/i;

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
