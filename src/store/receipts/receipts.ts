import type { Channel, DeliveryStatus } from '../../model/delivery.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Receipt, ReceiptFlag, ReceiptKind, ReceiptState } from '../../model/receipt.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/**
 * Receipts of one delivery and kind that are stored, at most, those of machines apart: a mailbox may fetch a picture again and again,
 * and a complaint that comes after that still counts.
 */
const MAX_RECEIPTS_OF_KIND = 200;

/** Kinds that count beyond that as well: what the owner of an address wants is done, whether or not it can be stored. */
const ALWAYS_COUNT: readonly ReceiptKind[] = ['opted_out', 'opted_in', 'unsubscribed', 'complained'];

/** A delivery that receipts are about, as it is locked. */
export interface ReportedDelivery {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly userId: string;
  readonly notificationType: string;
  readonly status: DeliveryStatus;
  readonly step: number | null;
  readonly receiptState: ReceiptState | null;
  readonly receiptFlags: readonly ReceiptFlag[];
}

export type DeliveryKey = Pick<ReportedDelivery, 'tenantId' | 'notificationId' | 'channel' | 'target'>;

/** Locks a delivery, so that its receipts are looked at by one transaction at a time. Undefined: it is gone. */
export async function lockReportedDelivery(
  connection: Connection,
  { tenantId, notificationId, channel, target }: DeliveryKey,
): Promise<ReportedDelivery | undefined> {
  const { rows } = await connection.query({
    name: 'lock-reported-delivery',
    text: `select user_id, notification_type, status, step, receipt_state, receipt_flags from deliveries
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 for no key update`,
    values: [tenantId, notificationId, channel, target],
  });
  const row = rows[0];
  return (
    row && {
      tenantId,
      notificationId,
      channel,
      target,
      userId: row.user_id,
      notificationType: row.notification_type,
      status: row.status,
      step: row.step,
      receiptState: row.receipt_state,
      receiptFlags: row.receipt_flags ?? [],
    }
  );
}

/** The source of receipts. */
export interface ReceiptSource {
  readonly provider: string;
  /** Null: that of the installation. */
  readonly account: string | null;
  readonly addressHash: string | null;
}

/** Stores receipts of a delivery. Returns the ids of those that are new, with those of ALWAYS_COUNT that find no room. */
export async function insertReceipts(
  connection: Connection,
  { tenantId, notificationId, channel, target }: DeliveryKey,
  { provider, account, addressHash }: ReceiptSource,
  receipts: readonly Receipt[],
  now: Millis,
): Promise<Set<string>> {
  const { rows } = await connection.query<{ receipt_id: string }>({
    name: 'insert-receipts',
    text: `with given as (
             select *, row_number() over (partition by k, coalesce(m, false)) as nth
             from json_to_recordset($9) as r(i text, k text, a timestamptz, c text, e text, p boolean, m boolean, n smallint, o json, d json)
           ), filled as (
             select kind, coalesce(is_machine, false) as by_machine from receipts
             where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4
             group by 1, 2 having count(*) >= ${MAX_RECEIPTS_OF_KIND}
           ), roomy as (
             select *, nth <= ${MAX_RECEIPTS_OF_KIND} and (k, coalesce(m, false)) not in (select kind, by_machine from filled) as fits
             from given
           ), added as (
             insert into receipts (tenant_id, notification_id, channel, target, receipt_id, provider, account, kind, at, received_at, code,
                                   enhanced_code, is_permanent, is_machine, part, cost, detail, address_hash)
             select $1, $2, $3, $4, i, $5, $6, k, a, $7, c, e, p, m, n, o, d, $8 from roomy where fits
             on conflict do nothing returning receipt_id
           )
           select receipt_id from added
           union all
           select i from roomy where not fits and k = any($10) and not exists (
             select from receipts
             where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 and receipt_id = i)`,
    values: [
      tenantId,
      notificationId,
      channel,
      target,
      provider,
      account,
      isoTime(now),
      addressHash,
      JSON.stringify(
        receipts.map((one) => ({
          i: one.id,
          k: one.kind,
          a: isoTime(one.at),
          c: one.code,
          e: one.enhancedCode,
          p: one.isPermanent,
          m: one.isMachine,
          n: one.part,
          o: one.cost && { ...one.cost, ...(one.parts === undefined ? {} : { parts: one.parts }) },
          d: one.detail,
        })),
      ),
      ALWAYS_COUNT,
    ],
  });
  return new Set(rows.map(({ receipt_id: id }) => id));
}

/** A stored receipt. */
export interface StoredReceipt {
  readonly id: string;
  readonly kind: ReceiptKind;
  readonly at: Millis;
  readonly provider: string;
  readonly code?: string;
  readonly enhancedCode?: string;
  readonly isPermanent?: boolean;
  readonly isMachine?: boolean;
  readonly part?: number;
  readonly detail?: JsonObject;
}

/** Returns the receipts of a delivery, the earliest first. */
export async function loadReceipts(
  connection: Connection,
  { tenantId, notificationId, channel, target }: DeliveryKey,
): Promise<StoredReceipt[]> {
  const { rows } = await connection.query({
    name: 'load-receipts',
    text: `select receipt_id, kind, at, provider, code, enhanced_code, is_permanent, is_machine, part, detail from receipts
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 order by at, receipt_id`,
    values: [tenantId, notificationId, channel, target],
  });
  return rows.map((row) => ({
    id: row.receipt_id,
    kind: row.kind,
    at: row.at,
    provider: row.provider,
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.enhanced_code === null ? {} : { enhancedCode: row.enhanced_code }),
    ...(row.is_permanent === null ? {} : { isPermanent: row.is_permanent }),
    ...(row.is_machine === null ? {} : { isMachine: row.is_machine }),
    ...(row.part === null ? {} : { part: row.part }),
    ...(row.detail === null ? {} : { detail: row.detail }),
  }));
}

/** Writes what the receipts of a delivery say together, and that it need no longer be asked for. */
export async function saveReceiptState(
  connection: Connection,
  { tenantId, notificationId, channel, target }: DeliveryKey,
  { state, flags }: { readonly state: ReceiptState | null; readonly flags: readonly ReceiptFlag[] },
): Promise<void> {
  await connection.query({
    name: 'save-receipt-state',
    text: `update deliveries set receipt_state = $5, receipt_flags = $6
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4`,
    values: [tenantId, notificationId, channel, target, state, flags.length === 0 ? null : flags],
  });
}

/**
 * Writes the cost and the billed parts that the latest receipt with a cost says, in the place of what was computed: to the attempt
 * that sent the message, or else to the latest one that sent any.
 * @param messageKey id that the provider gave the message, or our reference
 */
export async function saveReceiptCost(
  connection: Connection,
  { tenantId, notificationId, channel, target }: DeliveryKey,
  messageKey: string,
): Promise<void> {
  await connection.query({
    name: 'save-receipt-cost',
    text: `with said as (
             select (cost->>'amount')::numeric as amount, cost->>'currency' as currency,
                    case when (cost->>'parts')::numeric between 1 and 1000 then (cost->>'parts')::smallint end as parts
             from receipts
             where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 and abs((cost->>'amount')::numeric) < 1e6
               and cost->>'currency' ~ '^[A-Z]{3}$'
             order by at desc, receipt_id desc limit 1
           ), sent as (
             select attempt from attempts
             where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 and outcome = 'sent'
             order by provider_message_id = $5 desc nulls last, attempt desc limit 1
           ), on_attempt as (
             update attempts as a set cost = said.amount, currency = said.currency, parts = coalesce(said.parts, a.parts)
             from said, sent
             where a.tenant_id = $1 and a.notification_id = $2 and a.channel = $3 and a.target = $4 and a.attempt = sent.attempt
               and exists (select from deliveries as d where d.tenant_id = $1 and d.notification_id = $2 and d.channel = $3
                             and d.target = $4 and d.started_at is null)
           )
           update deliveries as d set cost = said.amount, currency = said.currency, parts = coalesce(said.parts, d.parts)
           from said
           where d.tenant_id = $1 and d.notification_id = $2 and d.channel = $3 and d.target = $4 and d.started_at is not null`,
    values: [tenantId, notificationId, channel, target, messageKey],
  });
}

/** Returns what a receipt needs of a notification, and the outcomes that endpoints of webhooks receive; undefined: it is gone. */
export async function loadCategory(
  connection: Connection,
  { tenantId, userId, notificationId }: Pick<ReportedDelivery, 'tenantId' | 'userId' | 'notificationId'>,
): Promise<
  | {
      readonly category: string;
      readonly catalogVersion: number;
      readonly heardOutcomes: readonly string[] | null;
    }
  | undefined
> {
  const { rows } = await connection.query<{
    category: string;
    catalog_version: number;
    heard_outcomes: readonly string[] | null;
  }>({
    name: 'load-category',
    text: `select category, catalog_version,
                  (select heard_outcomes from active_catalogs as a where a.tenant_id = n.tenant_id) as heard_outcomes
           from notifications as n where tenant_id = $1 and user_id = $2 and notification_id = $3`,
    values: [tenantId, userId, notificationId],
  });
  const [row] = rows;
  return row && { category: row.category, catalogVersion: row.catalog_version, heardOutcomes: row.heard_outcomes };
}

/** Receipts of an address that are looked at, at most. */
const MAX_HISTORY = 50;

/** Returns the bounces and failures of an address since a time and since it last received a message, the latest first. */
export async function loadAddressFailures(
  connection: Connection,
  {
    tenantId,
    channel,
    addressHash,
  }: { readonly tenantId: string; readonly channel: string; readonly addressHash: string },
  since: Millis,
): Promise<(StoredReceipt & { readonly delivery: string })[]> {
  const { rows } = await connection.query({
    name: 'load-address-failures',
    text: `select receipt_id, kind, at, provider, code, enhanced_code, is_permanent,
                  notification_id::text || '.' || channel || '.' || target as delivery
           from receipts as r
           where tenant_id = $1 and channel = $2 and address_hash = $3 and at >= $4 and kind in ('bounced', 'failed')
             and not exists (
               select from receipts as ok
               where ok.tenant_id = $1 and ok.channel = $2 and ok.address_hash = $3 and ok.at >= r.at
                 and ok.kind in ('delivered', 'opened', 'clicked', 'read'))
           order by at desc limit ${MAX_HISTORY}`,
    values: [tenantId, channel, addressHash, isoTime(since)],
  });
  return rows.map((row) => ({
    id: row.receipt_id,
    kind: row.kind,
    at: row.at,
    provider: row.provider,
    delivery: row.delivery,
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.enhanced_code === null ? {} : { enhancedCode: row.enhanced_code }),
    ...(row.is_permanent === null ? {} : { isPermanent: row.is_permanent }),
  }));
}
