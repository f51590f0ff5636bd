import type { Millis } from '../model/event.ts';
import type { Receipt } from '../model/receipt.ts';
import type { Connection } from '../store/pg/pool.ts';
import { noteKeyword } from '../store/receipts/keywords.ts';
import type { MessageRow } from '../store/receipts/provider-messages.ts';

/**
 * Returns receipts without the STOP and START that have counted already: such a word is stored with the latest message to its
 * number, and a repetition finds a later one. A repeated START must not lift a later STOP.
 */
export async function dropRepeatedKeywords(
  connection: Connection,
  message: Pick<MessageRow, 'tenantId' | 'provider' | 'account'>,
  receipts: readonly Receipt[],
  now: Millis,
): Promise<readonly Receipt[]> {
  if (!receipts.some(isKeyword)) return receipts;
  const kept: Receipt[] = [];
  for (const receipt of receipts) {
    if (!isKeyword(receipt) || (await noteKeyword(connection, message, receipt.id, now))) kept.push(receipt);
  }
  return kept;
}

/** Whether a receipt is a word that a user wrote to us. */
function isKeyword({ of, kind }: Receipt): boolean {
  return (kind === 'opted_out' || kind === 'opted_in') && 'from' in of;
}
