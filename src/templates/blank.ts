import { decodeHTML } from 'entities';

/** Markup that shows something without text. */
const SHOWS_WITHOUT_TEXT = /<(?:img|svg|video|audio|picture|iframe|object)\b|\bbackground\s*=|url\(/i;

/** Whether a reader sees nothing of the HTML: no text and no image. Takes linear time. */
export function isBlankHtml(html: string): boolean {
  if (SHOWS_WITHOUT_TEXT.test(html)) return false;
  let from = 0;
  while (from < html.length) {
    const open = html.indexOf('<', from);
    const text = html.slice(from, open < 0 ? html.length : open);
    if (!isBlankText(text.includes('&') ? decodeHTML(text) : text)) return false;
    if (open < 0) return true;
    const hidden = /^<(!--|(?:style|script|title|head)\b)/i.exec(html.slice(open, open + 12))?.[1]?.toLowerCase();
    const content = hidden === undefined ? open : findEnd(html, hidden, open);
    const close = content < 0 ? -1 : html.indexOf('>', content);
    if (close < 0) return true;
    from = close + 1;
  }
  return true;
}

/** Returns the index at which the content of an element, or a comment, ends before its last `>`; -1 if it does not end. */
function findEnd(html: string, element: string, from: number): number {
  const end = new RegExp(element === '!--' ? '-->' : `</${element}`, 'gi');
  end.lastIndex = from;
  const found = end.exec(html)?.index ?? -1;
  return found < 0 || element !== '!--' ? found : found + 2;
}

/** Whether a reader sees nothing of the text: only white space, and characters without width. */
export function isBlankText(text: string): boolean {
  return !SEEN.test(text);
}

/** A character that is neither white space nor invisible (format characters, joiners, variation selectors). */
const SEEN = /[^\s\p{Default_Ignorable_Code_Point}\p{Cf}]/u;
