import Handlebars from 'handlebars';

/** Text as it may stand in HTML, also between quotes of an attribute. */
export function escapeHtml(text: string): string {
  return Handlebars.escapeExpression(text);
}

/** Does the HTML so far end where the address of a link or an image begins? */
export function opensUrl(htmlBefore: string): boolean {
  return /[\s"'](?:href|src|action|formaction|background|poster|xlink:href)\s{0,9}=\s{0,9}["']?\s{0,9}$/i.test(
    htmlBefore,
  );
}

/**
 * An address that comes from data: web, mail and telephone links pass, everything else (`javascript:` and friends)
 * becomes `#`. Escaping alone would not help here: such an address has no character to escape.
 */
export function safeUrl(url: string): string {
  // Browsers skip control characters and blanks within a scheme.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
  const plain = url.slice(0, 200).replace(/[\u0000-\u0020\u007f-\u009f]+/g, '');
  const scheme = /^([^/?#]*?):/.exec(plain)?.[1];
  return scheme === undefined || /^(?:https?|mailto|tel|sms)$/i.test(scheme) ? url : '#';
}
