import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import type { Receipt } from '../model/receipt.ts';
import { SUPPRESSIBLE_CHANNELS } from '../model/suppression.ts';
import { maskAddressTrait } from '../privacy/mask.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { noteKeyword } from '../store/receipts/keywords.ts';
import type { MessageOwner } from '../store/receipts/provider-messages.ts';
import { addSuppressions, liftOptOut } from '../store/suppressions.ts';
import type { RecordOptions } from './record-receipts.ts';

const ACTOR = systemActor('receipts');

/** Keywords come from phone numbers. */
const CHANNEL =
  SUPPRESSIBLE_CHANNELS.find((channel) => CHANNEL_DESCRIPTORS[channel].addressKind === 'phone') ??
  SUPPRESSIBLE_CHANNELS[0];

/**
 * Records STOP or START of a number to which no message is known: it was long ago, or another system sent it by the same account. It
 * counts for the tenant of the account; for the account of the installation, for the default tenant. Repeated, it changes nothing.
 */
export async function recordKeyword(
  { pool, clock }: Pick<RecordOptions, 'pool' | 'clock'>,
  { provider, account, tenantId: owner }: MessageOwner,
  { of, kind, id }: Receipt,
  addressHash: string,
): Promise<void> {
  if (!('from' in of) || (kind !== 'opted_out' && kind !== 'opted_in')) return;
  const { from, to: senders = [] } = of;
  const now = clock();
  const address = { tenantId: owner ?? DEFAULT_TENANT, channel: CHANNEL, addressHash };
  const evidence = { source: 'receipt', kind, receipt_id: id, provider, ...(account === '' ? {} : { account }) };
  const mask = maskAddressTrait('phone', from);
  const scopes = senders.length === 0 ? ['all'] : senders.map((sender) => `sender:${sender}`);
  await withTransaction(pool, async (connection) => {
    if (!(await noteKeyword(connection, { tenantId: address.tenantId, provider, account }, id, now))) return;
    if (kind === 'opted_in') return liftOptOut(connection, address, { actor: ACTOR, evidence, senders }, now);
    const stopped = scopes.map((scope) => ({
      ...address,
      addressMask: typeof mask === 'string' ? mask : null,
      scope,
      reason: 'opted_out' as const,
      since: now,
      until: null,
      evidence,
    }));
    await addSuppressions(connection, stopped, ACTOR, now);
  });
}
