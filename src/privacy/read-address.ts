import { domainToASCII } from 'node:url';
import { type AddressKind, getAddressKind, type JsonObject } from '../model/event.ts';
import { toNormalAddress } from './normal-address.ts';

/** A mailbox at a domain: no spaces, no list, no name before it. */
const MAILBOX = /^[^\s@<>(),;:"[\]\\]{1,64}@([^\s@<>(),;:"[\]\\/]{1,255})$/u;
/** A mailbox as nearly all are: its domain is as DNS has it, which it takes a microsecond to find out of any other. */
const PLAIN_MAILBOX = /^[A-Za-z0-9._%+-]{1,64}@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,63}$/;
const MAX_PLAIN_CHARS = 128;
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters on purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Reads an address as it is kept: a number in E.164 form, without separators. `problem`: the rest of a sentence. */
export function readAddress(
  kind: AddressKind,
  text: string,
): { readonly address: string } | { readonly problem: string } {
  if (kind === 'email') {
    if (text.length <= MAX_PLAIN_CHARS && PLAIN_MAILBOX.test(text)) return { address: text };
    const domain = domainToASCII(MAILBOX.exec(text)?.[1] ?? '');
    if (domain.includes('.') && !CONTROL.test(text)) return { address: text };
    return { problem: 'is no email address; write one such as maria@example.com, without a name.' };
  }
  const number = toNormalAddress(kind, text);
  if (/^\+[1-9]\d{6,14}$/.test(number)) return { address: number };
  return {
    problem: 'is no phone number in E.164 form; write + and the country code first, such as +351912345678.',
  };
}

/** A trait that should hold an address, and to whose value no message can go. */
export interface UnusableAddress {
  readonly trait: string;
  /** The rest of a sentence that begins with the trait; without its value. */
  readonly problem: string;
}

/** Returns the traits that are to set an address, and cannot. Null and an empty text remove an address, and are not among them. */
export function findUnusableAddresses(traits: JsonObject): UnusableAddress[] {
  return Object.entries(traits).flatMap(([trait, value]) => {
    const kind = getAddressKind(trait);
    const text = typeof value === 'number' ? String(value) : value;
    if (!kind || typeof text !== 'string' || text.trim() === '') return [];
    const read = readAddress(kind, text.trim());
    return 'problem' in read ? [{ trait, problem: read.problem }] : [];
  });
}
