import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { EmailStanding } from '../model/email-standing.ts';
import type { Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import type { ReceiptState } from '../model/receipt.ts';
import type { Connection } from '../store/pg/pool.ts';
import { countEmail, loadEmailCounts, saveEmailStanding } from '../store/receipts/email-standings.ts';
import type { ReportedDelivery } from '../store/receipts/receipts.ts';
import { getBounceClass } from '../track/bounce-class.ts';
import { findStanding } from '../track/email-standing.ts';
import type { DeliveryReceiptState } from '../track/receipt-state.ts';

/**
 * Counts an email whose receipts say for the first time what became of it, and concludes from a bounce or complaint whether
 * the type and the tenant go on sending. Call it last in the transaction: it locks rows that many receipts share. Returns what it
 * has noted, to be reported once it is committed.
 */
export async function noteEmail(
  connection: Connection,
  { tenantId, notificationType, channel, receiptState }: ReportedDelivery,
  { state, failure }: DeliveryReceiptState,
  { provider, actor }: { readonly provider: string; readonly actor: Actor },
  now: Millis,
): Promise<EmailStanding[]> {
  if (!CHANNEL_DESCRIPTORS[channel].canBounceLater || state === receiptState) return [];
  const ended = Number(isEnd(state) && !isEnd(receiptState));
  const bounced = Number(state === 'bounced' && isOurs(failure, provider));
  const complained = Number(state === 'complained');
  if (ended + bounced + complained === 0) return [];
  await countEmail(connection, { tenantId, notificationType }, { ended, bounced, complained }, now, Math.random());
  if (bounced + complained === 0) return [];
  const standings: EmailStanding[] = [];
  for (const type of ['', notificationType]) {
    const key = { tenantId, notificationType: type };
    const standing = findStanding(key, await loadEmailCounts(connection, key, now), now);
    if (standing && (await saveEmailStanding(connection, standing, actor))) standings.push(standing);
  }
  return standings;
}

function isEnd(state: ReceiptState | null): boolean {
  return state !== null && state !== 'unconfirmed';
}

/** Whether a bounce speaks against the sender: of a dead address, or for policy; not of a full mailbox or one message. */
function isOurs(failure: DeliveryReceiptState['failure'], provider: string): boolean {
  const found = failure && getBounceClass({ provider, ...failure });
  return found === 'dead' || found === 'policy';
}
