import { hideMustaches } from './mustaches.ts';
import { listTags } from './tags.ts';

/*
 * The preheader of an email: the text that an inbox shows beside the subject. HTML has no place for it, so it is hidden text.
 */

const OPEN =
  '<div data-preheader style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">';
const CLOSE = '</div>';

/** Returns the source of a preheader as HTML: what the author wrote is text, whatever signs it has. */
export function toPreheaderHtml(source: string): string {
  const hidden = hideMustaches(source);
  const text = hidden.text.replace(/\s+/g, ' ').trim();
  return hidden.restore(text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'));
}

/** Returns the source of an HTML part with the preheader as the first text of its body. */
export function addPreheader(html: string, preheader: string): string {
  // Conditional comments stay as they are: their body is that of Outlook.
  let at = 0;
  for (const { name, end } of listTags(html)) {
    if (name !== 'body') continue;
    at = end;
    break;
  }
  return `${html.slice(0, at)}${OPEN}${toPreheaderHtml(preheader)}${CLOSE}${html.slice(at)}`;
}

/** Returns rendered HTML without its preheader: a message that shows nothing else is blank. */
export function removePreheader(html: string): string {
  const from = html.indexOf(OPEN);
  const to = from < 0 ? -1 : html.indexOf(CLOSE, from);
  return to < 0 ? html : html.slice(0, from) + html.slice(to + CLOSE.length);
}
