import { domainToASCII } from 'node:url';
import addressparser from 'nodemailer/lib/addressparser';

/** One sender or recipient. */
export interface Mailbox {
  /** Shown to people; may be empty. */
  readonly name: string;
  readonly address: string;
}

// What SMTP could take for something else (brackets, commas, control characters) is no part of it, and quoted forms,
// which nobody has, are left out.
const LOCAL_PART = /^[^\p{C}\p{Z}"(),:;<>@[\\\]]{1,64}$/u;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** The address as it is handed to a mail server, its domain in ASCII; undefined when it is not exactly one address. */
export function mailAddress(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const named = text.slice(at + 1);
  // Only what needs it: the URL rules would also read `0x7f.1` as a domain.
  const domain = /^[\p{L}\p{M}\p{N}.-]+$/u.test(named) && /\P{ASCII}/u.test(named) ? domainToASCII(named) : named;
  return LOCAL_PART.test(local) && DOMAIN.test(domain) ? `${local}@${domain}` : undefined;
}

/** Reads `Name <address>` or an address alone; undefined when it is not exactly one mailbox. */
export function readMailbox(text: string): Mailbox | undefined {
  const [first, ...others] = addressparser(text, { flatten: true });
  const address = first && others.length === 0 ? mailAddress(first.address) : undefined;
  return first && address !== undefined ? { name: first.name, address } : undefined;
}
