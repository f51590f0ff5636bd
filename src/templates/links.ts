/** Schemes that run what they name. */
const DANGEROUS_SCHEME = /^(?:javascript|data|vbscript|file|blob):/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:[^\s]+$/i;

export const MAX_URL_CHARS = 2048;

/** Whether a button may open the URL: it has a scheme, and not one that runs what it names. */
export function isSafeLink(url: string): boolean {
  return SCHEME.test(url) && !DANGEROUS_SCHEME.test(url) && url.length <= MAX_URL_CHARS;
}

/** Whether the URL is a path of the site that shows it; browsers read `//host` and `/\host` as another host. */
export function isLocalPath(url: string): boolean {
  return /^\/(?![/\\])\S*$/.test(url) && url.length <= MAX_URL_CHARS;
}
