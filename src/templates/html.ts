import Handlebars from 'handlebars';

/** Text as it may stand in HTML, also between quotes of an attribute. */
export function escapeHtml(text: string): string {
  return Handlebars.escapeExpression(text);
}

/** So many characters of HTML are enough to see an attribute whose address has no scheme yet. */
export const LOOKED_BACK = 300;

/**
 * The address so far, where the HTML ends inside an attribute that holds one (empty: where it begins); undefined elsewhere.
 * @param htmlBefore its last LOOKED_BACK characters
 */
export function openUrl(htmlBefore: string): string | undefined {
  const [, double, single, bare] = OPEN_URL.exec(htmlBefore) ?? [];
  return double ?? single ?? bare;
}

const OPEN_URL =
  /[\s"'](?:href|src|action|formaction|background|poster|data|ping|srcdoc|xlink:href)\s*=\s*(?:"([^"]*)|'([^']*)|([^\s"'>]*))$/i;

/**
 * What data adds to an address: web, mail and telephone links pass, what makes anything else of it (`javascript:` and
 * friends) becomes `#`. Escaping alone would not help here: such an address has no character to escape.
 *
 * @param before the address so far
 */
export function safeUrl(text: string, before: string): string {
  // Browsers skip control characters and blanks within a scheme: they must not push it out of what is looked at later.
  const started = withoutBlanks(before);
  if (/[/?#]/.test(started) || isSafe(started)) return text;
  const added = withoutBlanks(text.slice(0, 400));
  const whole = started + added;
  const scheme = /^([^/?#]*?):/.exec(whole)?.[1] ?? whole;
  if (scheme !== whole && !SAFE.test(scheme)) return '#';
  // What may still become a scheme, by what follows.
  if (scheme === whole && DANGEROUS.test(whole)) return '#';
  return /[/?#:]/.test(added) ? text : withoutBlanks(text);
}

const SAFE = /^(?:https?|mailto|tel|sms)$/i;
const DANGEROUS = /^(?:javascript|vbscript|data)$/i;

function isSafe(address: string): boolean {
  const scheme = /^([^/?#]*?):/.exec(address)?.[1];
  return scheme !== undefined && SAFE.test(scheme);
}

function withoutBlanks(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
  return text.replace(/[\u0000-\u0020\u007f-\u009f]+/g, '');
}
