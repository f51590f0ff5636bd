import { compile } from 'html-to-text';
import { hideMustaches } from './mustaches.ts';

/**
 * Derives a text template from an HTML template; `{{…}}` stay in place. Done once at compile time, because converting the
 * HTML of each message would cost more than rendering it.
 */
export function deriveTextTemplate(html: string): string {
  const hidden = hideMustaches(html);
  return hidden.restore(toText(hidden.text)).trim();
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
