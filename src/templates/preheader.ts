import { hideMustaches } from './mustaches.ts';

/* The preheader of an email: the text that an inbox shows beside the subject. HTML has no place for it, so it is hidden text. */

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
  const body = /<body(?=[\s>])(?:"[^"]{0,5000}"|'[^']{0,5000}'|[^"'>]){0,2000}>/i.exec(hideTags(html));
  const at = body === null ? 0 : body.index + body[0].length;
  return `${html.slice(0, at)}${OPEN}${toPreheaderHtml(preheader)}${CLOSE}${html.slice(at)}`;
}

/** Blanks out comments, which may name a body. */
function hideTags(html: string): string {
  return html.replace(/<!--[\s\S]{0,20000}?-->/g, (comment) => ' '.repeat(comment.length));
}

/** Returns rendered HTML without its preheader: a message that shows nothing else is blank. */
export function removePreheader(html: string): string {
  const from = html.indexOf(OPEN);
  const to = from < 0 ? -1 : html.indexOf(CLOSE, from);
  return to < 0 ? html : html.slice(0, from) + html.slice(to + CLOSE.length);
}
