import { type DeliveryId, parseDeliveryId } from '../model/delivery-id.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import type { Receipt } from '../model/receipt.ts';

/** Longest id in characters of a receipt, and of its message. */
export const MAX_ID_CHARS = 500;

/** Returns the id by which the message of a receipt is known, that of the provider before ours; undefined: it names none. */
export function getMessageKey({ of }: Receipt): string | undefined {
  const key = 'providerMessageId' in of ? of.providerMessageId : 'reference' in of ? of.reference : undefined;
  return key === undefined || key === '' || key.length > MAX_ID_CHARS ? undefined : key;
}

/**
 * Returns the delivery that a receipt names by the reference we gave; undefined: it names no delivery.
 * @param tenantId of the account that it came for; null: the account is of the installation, and the reference says the tenant
 */
export function getReferencedDelivery(
  { of }: Receipt,
  tenantId: string | null,
): (DeliveryId & { readonly tenantId: string }) | undefined {
  if ('from' in of || of.reference === undefined) return undefined;
  const id = parseDeliveryId(of.reference);
  return id && { ...id, tenantId: tenantId ?? of.tenantId ?? DEFAULT_TENANT };
}
