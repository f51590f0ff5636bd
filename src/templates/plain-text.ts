import { compile } from 'html-to-text';
import { hideMustaches, PLACEHOLDER } from './mustaches.ts';

/**
 * Derives a text template from an HTML template; `{{…}}` stay in place. Done once at compile time, because converting the
 * HTML of each message would cost more than rendering it.
 */
export function deriveTextTemplate(html: string): string {
  const hidden = hideMustaches(html);
  const inQuery = listQueryPlaceholders(hidden.text);
  const text = hidden.restore(toText(hidden.text), (mustache, index) =>
    inQuery.has(index) ? encodeMustache(mustache) : mustache,
  );
  return text.trim();
}

/** Returns the numbers of the placeholders that stand in the query or fragment of a link, where values are encoded. */
function listQueryPlaceholders(text: string): ReadonlySet<number> {
  const links = text.matchAll(/\shref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi);
  return new Set(
    [...links].flatMap(([, double, single]) => {
      const link = double ?? single ?? '';
      const query = link.slice(Math.max(0, link.search(/[?#]|$/)));
      return [...query.matchAll(PLACEHOLDER)].map(([, index]) => Number(index));
    }),
  );
}

/** Wraps `{{value}}` or `{{helper value}}` in the helper `url`. Blocks stay as they are. */
function encodeMustache(mustache: string): string {
  const inner = /^\{\{~?\s*((?!else\b|url\s)[^#/^!>{&~\s].*?)\s*~?\}\}$/s.exec(mustache)?.[1];
  if (inner === undefined) return mustache;
  return `{{url ${/\s/.test(inner) ? `(${inner})` : inner}}}`;
}

const toText = compile({
  wordwrap: false,
  limits: { maxDepth: 200, maxInputLength: 1_000_000 },
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['(', ')'], noAnchorUrl: true } },
    { selector: 'img', format: 'skip' },
    // One line per row, cells separated, for layout tables as well as data tables.
    { selector: 'tr', format: 'block' },
    { selector: 'td', format: 'inlineSurround', options: { suffix: ' ' } },
    { selector: 'th', format: 'inlineSurround', options: { suffix: ' ' } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
});
