/* Escapes values in scripts and style sheets, where the entities of HTML mean nothing. */

/** Escapes a text for JavaScript: it can neither end a text between quotes nor be more than a name or a number. */
export function escapeScript(text: string): string {
  return text.replace(/[^\w .,-]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A color by its function; other functions, such as `url(…)`, are escaped. */
const COLOR = /^(?:rgb|hsl)a?\([\d\s.,%/]{1,60}\)$/i;

/** Escapes a text for CSS as one value, such as `12px` or `Open Sans`: it ends neither a declaration nor a text. */
export function escapeStyle(text: string): string {
  if (COLOR.test(text)) return text;
  return text.replace(/[^\w #%.,+\u0080-\uffff-]/g, (sign) => `\\${sign.charCodeAt(0).toString(16)} `);
}

/** Returns the URL in an open `url(…)` at the end of a style sheet; undefined if none is open. */
export function findOpenUrl(style: string): string | undefined {
  const at = style.toLowerCase().lastIndexOf('url(');
  return at < 0 ? undefined : /^\s*["']?([^"')]*)$/.exec(style.slice(at + 4))?.[1];
}
