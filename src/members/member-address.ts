import { maskEmail } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';

/** An address that an invitation names, as it is stored: it can be recognized, and not read. */
export interface MemberAddress {
  readonly emailHash: string;
  readonly emailMask: string;
}

/** Returns how an address is stored. Capital letters and spaces around it make no difference. */
export function toMemberAddress(seal: Seal, email: string): MemberAddress {
  const normal = email.trim().normalize('NFC').toLowerCase();
  return { emailHash: seal.hash(`member\n${normal}`), emailMask: maskEmail(normal) };
}
