import { decodeHTMLAttribute } from 'entities';

/** Links of one email that are tracked, at most; the others stay as they are. */
export const MAX_TRACKED_LINKS = 500;
/** Longest URL in characters that is tracked: programs cut longer ones. */
export const MAX_TRACKED_URL_CHARS = 1500;

/** A part of HTML that is copied as it is: a comment, or an element with text alone in it. */
const OPAQUE =
  /<!--[\s\S]*?(?:-->|$)|<(script|style|title|textarea|xmp|iframe|noembed|noframes)\b[\s\S]*?(?:<\/\1\b|$)/iy;
const ANCHOR = /<a(?=[\s/])/iy;
const ATTRIBUTE = /[\s/]*([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?/y;

/**
 * Returns HTML with other URLs in its links. Only those of `a` with http or https are tracked: no mail addresses, no places of the
 * page. Takes time in proportion to the HTML.
 * @param track returns the URL to write; undefined: the link stays as it is
 */
export function replaceLinks(html: string, track: (url: string) => string | undefined): string {
  let result = '';
  let copied = 0;
  let links = 0;
  for (let at = html.indexOf('<'); at !== -1 && links < MAX_TRACKED_LINKS; at = html.indexOf('<', at)) {
    OPAQUE.lastIndex = at;
    const opaque = OPAQUE.exec(html);
    ANCHOR.lastIndex = at;
    if (opaque || !ANCHOR.test(html)) {
      at += opaque?.[0].length ?? 1;
      continue;
    }
    ATTRIBUTE.lastIndex = at + '<a'.length;
    for (let found = ATTRIBUTE.exec(html); found; found = ATTRIBUTE.exec(html)) {
      at = ATTRIBUTE.lastIndex;
      const [text, name = '', value] = found;
      if (value === undefined || name.toLowerCase() !== 'href') continue;
      const tracked = toTracked(value, track);
      if (tracked === undefined) break;
      result += `${html.slice(copied, found.index + text.length - value.length)}"${tracked}"`;
      copied = at;
      links++;
      break;
    }
    at++;
  }
  return result + html.slice(copied);
}

/** Returns HTML with a picture at the end of its body. */
export function addPixel(html: string, url: string): string {
  const pixel = `<img src="${url}" width="1" height="1" alt="" style="display:none">`;
  const end = html.toLowerCase().lastIndexOf('</body');
  return end === -1 ? html + pixel : html.slice(0, end) + pixel + html.slice(end);
}

function toTracked(value: string, track: (url: string) => string | undefined): string | undefined {
  const url = decodeHTMLAttribute(/^["']/.test(value) ? value.slice(1, -1) : value).trim();
  if (url.length > MAX_TRACKED_URL_CHARS || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  return track(new URL(url).href)?.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}
