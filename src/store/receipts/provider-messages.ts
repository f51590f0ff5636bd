import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
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

/** Returns the latest message to an address of each tenant, of those whose delivery is still stored. */
export async function findMessagesTo(
  connection: Connection,
  { provider, account, tenantId }: MessageOwner,
  addressHash: string,
): Promise<MessageRow[]> {
  const { rows } = await connection.query<MessageRow>(
    `select distinct on (m.tenant_id) ${COLUMNS} from provider_messages as m
     where m.address_hash = $1 and m.provider = $2 and m.account = $3 and ($4::text is null or m.tenant_id = $4)
       and exists (select from deliveries as d where d.tenant_id = m.tenant_id and d.notification_id = m.notification_id
                     and d.channel = m.channel and d.target = m.target)
     order by m.tenant_id, m.sent_at desc limit ${MAX_TENANTS}`,
    [addressHash, provider, account, tenantId],
  );
  return rows;
}

/** Time in ms after which a message is taken again whose check did not end: its process died. Longer than a round lasts. */
const CHECK_LEASE_MS: Millis = 20 * 60_000;

/** A message that is to be asked for. */
export interface UncheckedMessage extends MessageRow {
  /** Whether its price is asked for; otherwise no receipt came for it in time. */
  readonly asksPrice: boolean;
  readonly dueAt: Millis;
}

/** Takes messages that no receipt came for in time, until `endCheck`, and those whose price is asked for, until `endPriceCheck`. */
export async function takeUncheckedMessages(
  connection: Connection,
  now: Millis,
  limit: number,
): Promise<UncheckedMessage[]> {
  const { rows } = await connection.query<UncheckedMessage>(
    `update provider_messages as m set check_at = $3
     from (select ctid, check_at from provider_messages where check_at <= $1 order by check_at limit $2 for update skip locked) as due
     where m.ctid = due.ctid returning ${COLUMNS}, m.asks_price as "asksPrice", due.check_at as "dueAt"`,
    [isoTime(now), limit, isoTime(now + CHECK_LEASE_MS)],
  );
  return rows;
}

/**
 * Takes a message out of those that are asked for: what became of it is known.
 * @param priceAt when its price is asked for, once; null: it is not
 */
export async function endCheck(
  connection: Connection,
  tenantId: string,
  keys: readonly MessageKey[],
  priceAt: Millis | null = null,
): Promise<void> {
  await connection.query({
    name: 'end-check',
    text: `update provider_messages set check_at = $5::timestamptz, asks_price = $5 is not null
           from unnest($2::text[], $3::text[], $4::text[]) as q(p, a, k)
           where tenant_id = $1 and provider = q.p and account = q.a and message_key = q.k and check_at is not null
             and not asks_price`,
    values: [
      tenantId,
      keys.map(({ provider }) => provider),
      keys.map(({ account }) => account),
      keys.map(({ messageKey }) => messageKey),
      isoTimeOrNull(priceAt),
    ],
  });
}

/** Takes a message out of those whose price is asked for. */
export async function endPriceCheck(
  connection: Connection,
  tenantId: string,
  { provider, account, messageKey }: MessageKey,
): Promise<void> {
  await connection.query({
    name: 'end-price-check',
    text: `update provider_messages set check_at = null
           where tenant_id = $1 and provider = $2 and account = $3 and message_key = $4 and asks_price`,
    values: [tenantId, provider, account, messageKey],
  });
}

type MessageKey = Pick<ProviderMessage, 'provider' | 'account' | 'messageKey'>;
