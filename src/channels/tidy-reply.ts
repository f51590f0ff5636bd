/** Characters of a reply that are looked at, and those of what is kept of it. */
const MAX_READ_CHARS = 2000;
const MAX_KEPT_CHARS = 500;

/** Characters that a secret must have to be removed: a shorter one would remove parts of words. */
const MIN_SECRET_CHARS = 4;

/** Matches words that may hold an address, a telephone number or a token: providers quote them. */
const PRIVATE_WORD = /@|%(?:25)*40|\d{7,}|[\w+/=-]{40,}/i;

/**
 * Returns a reply of a provider in one line, without addresses, numbers, tokens and secrets, which providers often quote.
 * @param hidden secrets and addresses that must not be in it, wherever they stand
 */
export function tidyReply(reply: string, hidden: readonly (string | undefined)[] = []): string {
  // Line breaks and control characters become blanks.
  let line = reply
    .slice(0, MAX_READ_CHARS)
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
  for (const secret of hidden) {
    if (secret !== undefined && secret.length >= MIN_SECRET_CHARS) line = line.replaceAll(secret, '…');
  }
  return line
    .split(' ')
    .map((word) => (PRIVATE_WORD.test(word) ? '…' : word))
    .join(' ')
    .slice(0, MAX_KEPT_CHARS);
}
