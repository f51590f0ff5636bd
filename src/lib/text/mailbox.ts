import { domainToASCII } from 'node:url';
import addressparser from 'nodemailer/lib/addressparser';

/** A sender or recipient. */
export interface Mailbox {
  /** Display name; may be empty. */
  readonly name: string;
  readonly address: string;
}

// Excludes characters with a meaning in SMTP (brackets, commas, control characters), and quoted forms, which are not in
// use.
const LOCAL_PART = /^[^\p{C}\p{Z}"(),:;<>@[\\\]]{1,64}$/u;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/**
 * Returns the address as mail servers need it, with the domain in ASCII; undefined if the text is not exactly one address.
 */
export function toMailAddress(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const written = text.slice(at + 1);
  // Only if it is not ASCII: the rules of URLs would also accept `0x7f.1` as a domain.
  const domain =
    /^[\p{L}\p{M}\p{N}.-]+$/u.test(written) && /\P{ASCII}/u.test(written) ? domainToASCII(written) : written;
  return LOCAL_PART.test(local) && DOMAIN.test(domain) ? `${local}@${domain}` : undefined;
}

/** Characters of a mailbox, with its name. */
const MAX_MAILBOX_CHARS = 320;

/**
 * Parses `Name <address>` or an address alone; returns undefined if the text is not exactly one mailbox, is longer than 320
 * characters, or has a line break or another control character inside. Settings accept a sender by this, and email is sent by it.
 */
export function parseMailbox(text: string): Mailbox | undefined {
  const mailbox = text.trim();
  if (mailbox.length > MAX_MAILBOX_CHARS || /\p{Cc}/u.test(mailbox)) return undefined;
  const [first, ...others] = addressparser(mailbox, { flatten: true });
  const address = first && others.length === 0 ? toMailAddress(first.address) : undefined;
  return first && address !== undefined ? { name: first.name, address } : undefined;
}
