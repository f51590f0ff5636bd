/** Characters of a part of a URL that may be a secret. */
const MIN_CHARS = 8;

/** Returns a URL and the parts of its path and query: for many receivers they are the key. Empty: the value is no URL. */
export function listUrlSecrets(url: unknown): string[] {
  if (typeof url !== 'string' || !URL.canParse(url)) return [];
  const { pathname, search } = new URL(url);
  return [url, ...`${pathname}${search}`.split(/[/?&=]/).filter(({ length }) => length >= MIN_CHARS)];
}
