import { formatDeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import { type Receipt, TRACKING_PROVIDER } from '../model/receipt.ts';
import { endDoubt } from '../store/deliveries/end-doubt.ts';
import type { Connection } from '../store/pg/pool.ts';
import type { MessageRow } from '../store/receipts/provider-messages.ts';
import type { ReportedDelivery } from '../store/receipts/receipts.ts';

/** Kinds that say nothing of a message: Tidings does not know them, or the user wrote to us. */
const ABOUT_NO_MESSAGE: ReadonlySet<Receipt['kind']> = new Set(['unknown', 'opted_in', 'opted_out']);

/** Kinds that say that a message which the provider had did not arrive: one that failed stays as it is. */
const NOT_ARRIVED: ReadonlySet<Receipt['kind']> = new Set(['bounced', 'failed']);

/** Ends the doubt whether a message was sent: a provider that reports on it has it, and so has a reader. Without a doubt nothing changes. */
export async function settleDoubt(
  connection: Connection,
  delivery: ReportedDelivery,
  { provider, account, messageKey }: MessageRow,
  receipts: readonly Receipt[],
  now: Millis,
): Promise<void> {
  const known = receipts.filter(({ kind }) => !ABOUT_NO_MESSAGE.has(kind));
  if (delivery.status === 'sent' || known.length === 0) return;
  const isHit = provider === TRACKING_PROVIDER;
  const hasId = !isHit && messageKey !== formatDeliveryId(delivery);
  const sender = {
    provider: isHit ? null : provider,
    account: account === '' ? null : account,
    providerMessageId: hasId ? messageKey : null,
    wasAccepted: known.some(({ kind }) => !NOT_ARRIVED.has(kind)),
  };
  await endDoubt(connection, delivery, sender, now);
}
