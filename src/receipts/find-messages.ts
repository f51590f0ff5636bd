import type pg from 'pg';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import type { Receipt } from '../model/receipt.ts';
import { insertProviderMessages, type MessageOwner, type MessageRow } from '../store/receipts/provider-messages.ts';
import { findReferencedMessages, type ReportedReference } from '../store/receipts/referenced-deliveries.ts';
import { getReceiptTime } from '../track/receipt-time.ts';
import { getMessageKey, getReferencedDelivery } from './receipt-subject.ts';

/** A receipt whose message is not known by its id, and the account that it came for. */
export interface UnmatchedReceipt {
  readonly receipt: Receipt;
  readonly owner: MessageOwner;
}

/**
 * Returns the messages that receipts name by the reference we gave, and from now on knows them by their ids as well. A delivery
 * that is being sent is not found: the record of its attempt will say more.
 */
export async function findByReference<Unmatched extends UnmatchedReceipt>(
  pool: pg.Pool,
  unmatched: readonly Unmatched[],
  now: Millis,
): Promise<Map<Unmatched, MessageRow>> {
  const references = unmatched.flatMap((one) => {
    const { receipt, owner } = one;
    const [id, messageKey] = [getReferencedDelivery(receipt, owner.tenantId), getMessageKey(receipt)];
    if (!id || messageKey === undefined) return [];
    return [{ one, reference: { ...id, provider: owner.provider, account: owner.account, messageKey } }];
  });
  const distinct = new Map(references.map(({ reference }) => [toKey(reference), reference]));
  const found = new Map(
    (await findReferencedMessages(pool, [...distinct.values()])).map((message) => [toKey(message), message]),
  );
  await insertProviderMessages(
    pool,
    [...found.values()].map((message) => ({
      ...message,
      sentAt: now,
      checkAt: now + getReceiptTime(message.channel),
    })),
  );
  return new Map(
    references.flatMap(({ one, reference }) => {
      const message = found.get(toKey(reference));
      return message ? [[one, message] as const] : [];
    }),
  );
}

function toKey({ tenantId, provider, account, messageKey, ...id }: ReportedReference): string {
  return JSON.stringify([tenantId, provider, account, messageKey, formatDeliveryId(id)]);
}
