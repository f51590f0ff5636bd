import type { AddressKind } from './event.ts';

/** Why a message has no way to its user. */
export interface MissingAddress {
  readonly reasonCode: 'missing_email' | 'missing_phone' | 'missing_device';
  readonly reason: string;
}

/** Returns why a message to a user without an address of this kind is undeliverable. */
export function describeMissingAddress(kind: AddressKind): MissingAddress {
  const address = kind === 'email' ? 'email address' : 'phone number';
  const reason = `No ${address} is known for this user: no event has set user_traits.${kind}, or a later one has removed it.`;
  return { reasonCode: `missing_${kind}`, reason };
}

/** The same of a user without devices. */
export const MISSING_DEVICE: MissingAddress = {
  reasonCode: 'missing_device',
  reason: 'No device is registered for this user, or all that were are retired.',
};

const REASONS: ReadonlySet<string> = new Set<MissingAddress['reasonCode']>([
  'missing_email',
  'missing_phone',
  'missing_device',
]);

/** Whether messages that ended for this reason had no address. */
export function lacksAddress(reasonCode: string): boolean {
  return REASONS.has(reasonCode);
}
