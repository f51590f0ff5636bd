/** Characters of an unsubscribe URL: a header line has at most 998 (RFC 5322, 2.1.1). */
const MAX_URL_CHARS = 900;

/**
 * Returns the headers by which a mail program unsubscribes its reader with one click (RFC 8058); none without a URL, or if it
 * cannot stand in a header.
 */
export function unsubscribeHeaders(url: string | undefined): (readonly [string, string])[] {
  if (url === undefined || url.length > MAX_URL_CHARS || !/^https:\/\/[!-;=?-~]+$/.test(url)) return [];
  return [
    ['List-Unsubscribe', `<${url}>`],
    ['List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'],
  ];
}
