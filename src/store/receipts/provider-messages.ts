import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';

/** A message whose provider reports on it. */
export interface ProviderMessage {
  readonly tenantId: string;
  readonly provider: string;
  /** Empty: that of the installation. */
  readonly account: string;
  /** Our reference, or the id that the provider gave. */
  readonly messageKey: string;
  readonly notificationId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly addressHash: string | null;
  readonly sentAt: Millis;
  /** When it is asked for if no receipt came; null: another row of the same message is. */
  readonly checkAt: Millis | null;
}

/** The delivery that a receipt is about. */
export type MessageRow = Omit<ProviderMessage, 'sentAt' | 'checkAt'>;

/** An account, and the tenants of which messages are looked at. */
export interface MessageOwner {
  readonly provider: string;
  readonly account: string;
  /** Null: of all tenants, by the account of the installation. */
  readonly tenantId: string | null;
}

/** Writes messages, in the transaction that settles their deliveries. One that is there stays. */
export async function insertProviderMessages(
  connection: Connection,
  messages: readonly ProviderMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  await connection.query({
    name: 'insert-provider-messages',
    text: `insert into provider_messages (tenant_id, provider, account, message_key, notification_id, channel, target, address_hash,
                                          sent_at, check_at)
           select * from json_to_recordset($1) as r(t text, p text, a text, k text, n uuid, c text, g text, h text, s timestamptz,
                                                    q timestamptz)
           on conflict do nothing`,
    values: [
      JSON.stringify(
        messages.map((one) => ({
          t: one.tenantId,
          p: one.provider,
          a: one.account,
          k: one.messageKey,
          n: one.notificationId,
          c: one.channel,
          g: one.target,
          h: one.addressHash,
          s: isoTime(one.sentAt),
          q: one.checkAt === null ? null : isoTime(one.checkAt),
        })),
      ),
    ],
  });
}

const COLUMNS = `m.tenant_id as "tenantId", m.provider, m.account, m.message_key as "messageKey",
  m.notification_id as "notificationId", m.channel, m.target, m.address_hash as "addressHash"`;

/** Returns the messages with these keys. */
export async function findProviderMessages(
  connection: Connection,
  { provider, account, tenantId }: MessageOwner,
  keys: readonly string[],
): Promise<MessageRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await connection.query<MessageRow>({
    name: 'find-provider-messages',
    text: `select ${COLUMNS} from unnest($1::text[]) with ordinality as q(k, i)
           cross join lateral (
             select * from provider_messages
             where message_key = q.k and provider = $2 and account = $3 and ($4::text is null or tenant_id = $4)
             limit 1
           ) as m
           where ${selectivityHint('q.i')}`,
    values: [keys, provider, account, tenantId],
  });
  return rows;
}

/** Tenants whose messages to one address are looked at, at most. */
const MAX_TENANTS = 1000;

/** Returns the latest message to an address of each tenant. */
export async function findMessagesTo(
  connection: Connection,
  { provider, account, tenantId }: MessageOwner,
  addressHash: string,
): Promise<MessageRow[]> {
  const { rows } = await connection.query<MessageRow>(
    `select distinct on (m.tenant_id) ${COLUMNS} from provider_messages as m
     where m.address_hash = $1 and m.provider = $2 and m.account = $3 and ($4::text is null or m.tenant_id = $4)
     order by m.tenant_id, m.sent_at desc limit ${MAX_TENANTS}`,
    [addressHash, provider, account, tenantId],
  );
  return rows;
}

/** Time in ms after which a message is taken again whose check did not end: its process died. Longer than a round lasts. */
const CHECK_LEASE_MS: Millis = 20 * 60_000;

/** Takes messages that no receipt came for in time, until `endCheck`. */
export async function takeUncheckedMessages(connection: Connection, now: Millis, limit: number): Promise<MessageRow[]> {
  const { rows } = await connection.query<MessageRow>(
    `update provider_messages as m set check_at = $3
     from (select ctid, check_at from provider_messages where check_at <= $1 order by check_at limit $2 for update skip locked) as due
     where m.ctid = due.ctid returning ${COLUMNS}`,
    [isoTime(now), limit, isoTime(now + CHECK_LEASE_MS)],
  );
  return rows;
}
