import type pg from 'pg';
import type { Message } from '../../model/delivery.ts';
import type { DeliveryId } from '../../model/delivery-id.ts';
import type { AddressKind } from '../../model/event.ts';
import { documentRow, openDocument } from '../../privacy/documents.ts';
import { type MessageParts, toMessageParts } from '../../privacy/message-view.ts';
import type { Seal } from '../../privacy/seal.ts';
import { addressAad } from '../../users/addresses.ts';
import { MAX_ADDED_ADDRESSES } from '../addresses.ts';

/** Addresses of a user, unmasked. */
export interface RevealedAddresses {
  /** The addresses that receive. */
  readonly email?: string;
  readonly phone?: string;
  /** The others, by kind and in the order in which they move up. */
  readonly others: readonly { readonly kind: AddressKind; readonly address: string }[];
}

/** Returns the addresses of a user; undefined: there is no such user; `unreadable`: they cannot be opened with the current key. */
export async function revealAddresses(
  pool: pg.Pool,
  seal: Seal,
  tenantId: string,
  userId: string,
): Promise<RevealedAddresses | 'unreadable' | undefined> {
  const { rows } = await pool.query<{
    kind: AddressKind | null;
    place: number;
    sealed: Buffer | null;
    key_id: string | null;
  }>(
    `select kind, place, addresses.sealed, key_id from users left join addresses using (tenant_id, user_id)
     where tenant_id = $1 and user_id = $2 order by kind, place limit ${2 * (MAX_ADDED_ADDRESSES + 1)}`,
    [tenantId, userId],
  );
  if (rows.length === 0) return undefined;
  const primary: { [kind in AddressKind]?: string } = {};
  const others: { kind: AddressKind; address: string }[] = [];
  for (const { kind, place, sealed, key_id } of rows) {
    if (kind === null || sealed === null) continue;
    try {
      const address = seal.open(sealed, addressAad(tenantId, userId, kind), key_id ?? undefined);
      if (place === 0) primary[kind] = address;
      else others.push({ kind, address });
    } catch {
      seal.onUnreadable?.('addresses');
      return 'unreadable';
    }
  }
  return { ...primary, others };
}

/** Returns a message as it was sent; undefined: it was not kept; `unreadable`: it cannot be opened with the current key. */
export async function revealMessage(
  pool: pg.Pool,
  seal: Seal,
  tenantId: string,
  { notificationId, channel, target }: DeliveryId,
): Promise<MessageParts | 'unreadable' | undefined> {
  const { rows } = await pool.query<{ sealed: Buffer }>(
    'select sealed from messages where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4',
    [tenantId, notificationId, channel, target],
  );
  if (!rows[0]) return undefined;
  const document = openDocument(
    seal,
    rows[0].sealed,
    documentRow('messages', tenantId, notificationId, channel, target),
  );
  if (!document) return 'unreadable';
  return toMessageParts(document as unknown as Message, (text) => text);
}
