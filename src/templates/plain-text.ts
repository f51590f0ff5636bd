import { compile } from 'html-to-text';
import { hideMustaches } from './mustaches.ts';

/**
 * The text of an HTML template, itself a template: `{{…}}` stay where they are. Made once when the template is compiled,
 * because reading the HTML of every single message would cost more than all the rest of rendering it.
 */
export function textTemplateOf(html: string): string {
  const hidden = hideMustaches(html);
  return hidden.restore(toText(hidden.text)).trim();
}

const toText = compile({
  wordwrap: false,
  limits: { maxDepth: 200, maxInputLength: 1_000_000 },
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['(', ')'], noAnchorUrl: true } },
    { selector: 'img', format: 'skip' },
    // Rows below one another and cells apart, whether the table lays out the page or holds data.
    { selector: 'tr', format: 'block' },
    { selector: 'td', format: 'inlineSurround', options: { suffix: ' ' } },
    { selector: 'th', format: 'inlineSurround', options: { suffix: ' ' } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
});
