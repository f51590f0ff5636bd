import type { Millis } from '../../model/event.ts';
import type { Receipt } from '../../model/receipt.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import type { MessageOwner, MessageRow } from './provider-messages.ts';

/** Receipts of one account that are held, at most: an account may also send messages that are not ours. */
export const MAX_HELD_RECEIPTS = 10_000;
/** Time in ms for which a receipt is held: longer than a process is frozen that then records what it sent. */
export const HELD_MS: Millis = 24 * 3_600_000;
/** Shortest and longest pause in ms between two looks for the message of a receipt; between them it is the age of the receipt. */
const MIN_PAUSE_MS: Millis = 2000;
const MAX_PAUSE_MS: Millis = 3_600_000;

/** A receipt of a message that was not known when it came. */
export interface HeldReceipt {
  readonly heldId: number;
  readonly receipt: Receipt;
  readonly heldAt: Millis;
  /** The account that it came for. */
  readonly owner: MessageOwner;
  /** Null: it is still not known. */
  readonly message: MessageRow | null;
}

/**
 * Holds receipts of one account; one that is held already, as a repeated request brings it, is not held again. Returns how many
 * found no room: those beyond MAX_HELD_RECEIPTS of the account.
 */
export async function holdReceipts(
  connection: Connection,
  { provider, account, tenantId }: MessageOwner,
  receipts: readonly { readonly messageKey: string; readonly receipt: Receipt }[],
  now: Millis,
): Promise<number> {
  const { rows } = await connection.query<{ left: number }>({
    name: 'hold-receipts',
    text: `with held as materialized (
             select message_key, coalesce(receipt ->> 'id', '') as id from held_receipts
             where provider = $1 and account_tenant = $3 and account = $2 limit ${MAX_HELD_RECEIPTS}
           ), fresh as materialized (
             select k, r from json_to_recordset($5) as q(k text, r json)
             where (k collate "C", r ->> 'id') not in (select message_key, id from held)
           ), added as (
             insert into held_receipts (provider, account, account_tenant, message_key, receipt, held_at, due_at)
             select $1, $2, $3, k, r, $4::timestamptz, $4::timestamptz + ${MIN_PAUSE_MS} * interval '1 ms' from fresh
             limit greatest(0, ${MAX_HELD_RECEIPTS} - (select count(*) from held))
             returning 1
           )
           select ((select count(*) from fresh) - (select count(*) from added))::int as left`,
    values: [
      provider,
      account,
      tenantId ?? '',
      isoTime(now),
      JSON.stringify(receipts.map(({ messageKey, receipt }) => ({ k: messageKey, r: receipt }))),
    ],
  });
  return rows[0]?.left ?? 0;
}

/**
 * Looks for the messages of receipts that are held, once for each that is due, the one that is due first first. Two that look at
 * the same time look at different ones. A receipt stays held until `endHolds`: after a crash it is looked at again.
 */
export async function lookAtHeldReceipts(connection: Connection, now: Millis, limit: number): Promise<HeldReceipt[]> {
  const { rows } = await connection.query(
    `with looked as (
       update held_receipts as h
       set due_at = $1::timestamptz + least(greatest($1::timestamptz - h.held_at, ${MIN_PAUSE_MS} * interval '1 ms'), ${MAX_PAUSE_MS} * interval '1 ms')
       from (select held_id from held_receipts where due_at <= $1 order by due_at limit $2 for update skip locked) as due
       where h.held_id = due.held_id
       returning h.*
     )
     select l.held_id, l.receipt, l.held_at, l.provider as of_provider, l.account as of_account, l.account_tenant, m.tenant_id, m.provider, m.account, m.message_key, m.notification_id, m.channel, m.target,
            m.address_hash
     from looked as l
     left join lateral (
       select * from provider_messages
       where message_key = l.message_key and provider = l.provider and account = l.account
         and (l.account_tenant = '' or tenant_id = l.account_tenant)
       limit 1
     ) as m on true
     order by l.held_id`,
    [isoTime(now), limit],
  );
  return rows.map((row) => ({
    heldId: row.held_id,
    receipt: row.receipt,
    heldAt: row.held_at,
    owner: { provider: row.of_provider, account: row.of_account, tenantId: row.account_tenant || null },
    message:
      row.tenant_id === null
        ? null
        : {
            tenantId: row.tenant_id,
            provider: row.provider,
            account: row.account,
            messageKey: row.message_key,
            notificationId: row.notification_id,
            channel: row.channel,
            target: row.target,
            addressHash: row.address_hash,
          },
  }));
}

/** Deletes held receipts: they are recorded, or too old. */
export async function endHolds(connection: Connection, heldIds: readonly number[]): Promise<void> {
  if (heldIds.length === 0) return;
  await connection.query('delete from held_receipts where held_id = any($1::bigint[])', [heldIds]);
}
