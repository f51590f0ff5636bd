import { domainToASCII } from 'node:url';
import type { AddressKind } from '../model/event.ts';

const PLAIN_EMAIL = /^[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,255}$/;
const PLAIN_PHONE = /^\+\d{1,15}$/;
const MAX_CHARS = 320;

/**
 * Returns the form of an address by which it is looked up: two spellings of one mailbox or number have the same.
 *
 * An email address is in lower case, its domain as DNS has it. Dots and what follows a plus sign stay: only some mailboxes ignore
 * them. A phone number has no separators, and a plus sign in the place of a leading 00; what is no number stays as it is.
 */
export function toNormalAddress(kind: AddressKind, text: string): string {
  if (kind === 'email' ? PLAIN_EMAIL.test(text) : PLAIN_PHONE.test(text)) return text;
  const trimmed = text.trim();
  if (trimmed.length > MAX_CHARS) return trimmed;
  return kind === 'email' ? toNormalEmail(trimmed) : toNormalPhone(trimmed);
}

function toNormalEmail(text: string): string {
  const at = text.lastIndexOf('@');
  if (at === -1) return text;
  const domain = text.slice(at + 1).replace(/\.$/, '');
  const local = text.slice(0, at).normalize('NFC').toLowerCase();
  return `${local}@${domainToASCII(domain) || domain.normalize('NFC').toLowerCase()}`;
}

function toNormalPhone(text: string): string {
  const digits = text.replace(/[\s().\-/\u00a0\u2010-\u2015]/g, '').replace(/^00(?=[1-9])/, '+');
  return /^\+?\d{3,20}$/.test(digits) ? digits : text;
}
