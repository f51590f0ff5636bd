import type pg from 'pg';
import type { AttemptOutcomeKind, Channel, Cost, DeliveryStatus, Message } from '../../model/delivery.ts';
import { type DeliveryId, formatDeliveryId } from '../../model/delivery-id.ts';
import { TEST_RULE } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import type { Verdict } from '../../model/plan.ts';
import type { ReceiptFlag, ReceiptState } from '../../model/receipt.ts';
import { documentRow, openDocument } from '../../privacy/documents.ts';
import { maskMessage } from '../../privacy/mask.ts';
import { type MessageParts, toMessageParts } from '../../privacy/message-view.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';

/** Notifications and deliveries as the API shows them. Times are ISO 8601 in UTC. */

export interface AttemptView {
  readonly attempt: number;
  readonly provider: string;
  /** Account of the tenant; null: that of the installation. */
  readonly account: string | null;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly outcome: AttemptOutcomeKind;
  /** Code of the provider; null: it gave none. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly response: string | null;
  readonly provider_message_id: string | null;
  /** Why it went by its account; null: there was no choice. */
  readonly choice: string | null;
  /** Billed parts; null: one, or not known. */
  readonly parts: number | null;
  readonly cost: Cost | null;
}

export interface DeliveryView {
  /** `NOTIFICATION_ID.CHANNEL`, or with `.TARGET` */
  readonly delivery_id: string;
  readonly notification_id: string;
  readonly notification_type: string;
  readonly user_id: string;
  readonly channel: Channel;
  /** Id of the device or the endpoint; empty: the address of the user, or a channel that needs none. */
  readonly target: string;
  readonly status: DeliveryStatus;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly provider: string | null;
  /** Account of the tenant that made the latest attempt; null: none, or that of the installation. */
  readonly account: string | null;
  readonly provider_message_id: string | null;
  readonly attempts_made: number;
  readonly due_at: string;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly has_message: boolean;
  /** State by all receipts of the provider; null: nothing yet, or it sends none. */
  readonly receipt_state: ReceiptState | null;
  readonly receipt_flags: readonly ReceiptFlag[];
  /** Code of the thing that it waits for until it is due; null: its turn. */
  readonly hold_code: string | null;
  /** The verdict of the plan that held or dropped it; null: the plan did not. */
  readonly decided_by: Verdict | null;
  /** Billed parts; null: one, or not known. */
  readonly parts: number | null;
  /** Null: it is not known, or another attempt has it. */
  readonly cost: Cost | null;
  /** Place among the channels that are tried one after the other, from 1; absent: it does not wait for others. */
  readonly step?: number;
  /** Present: it is a test of templates. */
  readonly test?: true;
}

export interface NotificationView {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly category: string;
  readonly rule: string;
  readonly decision_id: string;
  readonly event_id: string;
  readonly created_at: string;
  readonly deliveries: readonly (DeliveryView & { readonly attempts: readonly AttemptView[] })[];
}

/** Returns these notifications of a user, newest first, with their deliveries and attempts. Unknown ids are left out. */
export async function loadNotifications(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  notificationIds: readonly string[],
): Promise<NotificationView[]> {
  if (notificationIds.length === 0) return [];
  const { rows: notifications } = await pool.query(
    `select notification_id, notification_type, category, rule, decision_id, event_id, created_at
     from notifications where tenant_id = $1 and user_id = $2 and notification_id = any($3::uuid[])
     order by notification_id desc`,
    [tenantId, userId, notificationIds],
  );
  const { rows: deliveries } = await pool.query(
    `${SELECT_DELIVERY} where tenant_id = $1 and notification_id = any($2::uuid[]) order by channel, target`,
    [tenantId, notificationIds],
  );
  const { rows: attempts } = await pool.query(
    `select notification_id, channel, target, attempt, provider, account, started_at, duration_ms, outcome, code, reason, response,
            provider_message_id, choice, parts, cost, currency
     from all_attempts() where tenant_id = $1 and notification_id = any($2::uuid[]) order by attempt`,
    [tenantId, notificationIds],
  );
  return notifications.map((notification) => ({
    ...notification,
    created_at: isoTime(notification.created_at),
    deliveries: deliveries
      .filter((delivery) => delivery.notification_id === notification.notification_id)
      .map((delivery) => ({
        ...toDeliveryView(delivery),
        attempts: attempts
          .filter((a) => formatId(a) === formatId(delivery))
          .map(({ notification_id, channel, target, started_at, cost, currency, ...attempt }) => ({
            ...attempt,
            started_at: isoTime(started_at),
            cost: toCost(cost, currency),
          })),
      })),
  }));
}

/** The state of a delivery in few words. */
export interface DeliverySummary {
  readonly notification_id: string;
  readonly channel: Channel;
  readonly target: string;
  readonly status: DeliveryStatus;
  readonly provider: string | null;
  readonly reason_code: string | null;
  readonly reason: string | null;
  /** When a queued one is tried next (ISO 8601); null: it is not queued. */
  readonly due_at: string | null;
  /** Why it waits until then; null: it is not held. */
  readonly hold_code: string | null;
  /** As of `DeliveryView`. */
  readonly receipt_state: ReceiptState | null;
  readonly step?: number;
}

/** Notifications of which a list shows deliveries, at most; those first in the list. */
const MAX_SUMMARIZED_NOTIFICATIONS = 1000;

/** Returns the deliveries of notifications by their ids. Unknown ids are left out. */
export async function loadDeliverySummaries(
  pool: pg.Pool,
  tenantId: string,
  notificationIds: readonly string[],
): Promise<Map<string, DeliverySummary[]>> {
  const byId = new Map<string, DeliverySummary[]>();
  if (notificationIds.length === 0) return byId;
  // Lateral: an index probe for each id, in the one partition that it can be in.
  const { rows } = await pool.query<
    Omit<DeliverySummary, 'due_at' | 'step'> & { readonly due_at: Millis | null; readonly step: number | null }
  >({
    name: 'delivery-summaries',
    text: `select d.* from unnest($2::uuid[]) as want(id)
           cross join lateral (
             select notification_id, channel, target, status, provider, reason_code, reason, hold_code, receipt_state, step,
               case when status = 'queued' then due_at end as due_at
             from deliveries
             where tenant_id = $1 and notification_id = want.id order by channel, target
           ) as d`,
    values: [tenantId, notificationIds.slice(0, MAX_SUMMARIZED_NOTIFICATIONS)],
  });
  for (const { step, ...row } of rows) {
    const summary = { ...row, due_at: isoTimeOrNull(row.due_at), ...(step !== null && { step }) };
    byId.set(row.notification_id, [...(byId.get(row.notification_id) ?? []), summary]);
  }
  return byId;
}

/** Returns a delivery; undefined: it does not exist. */
export async function loadDelivery(pool: pg.Pool, tenantId: string, id: DeliveryId): Promise<DeliveryView | undefined> {
  const { rows } = await pool.query(
    `${SELECT_DELIVERY} where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4`,
    [tenantId, id.notificationId, id.channel, id.target],
  );
  return rows[0] && toDeliveryView(rows[0]);
}

/** A message as it was rendered, with addresses masked. */
export interface MessageView extends MessageParts {
  /** Mask of the address; null: the channel needs none. */
  readonly to: string | null;
  readonly rendered_at: string;
  /** Locale of the template; absent: it has no template. */
  readonly locale?: string;
  /** Absent: the user has no locale. */
  readonly user_locale?: string;
  /** The template of the API, and its version. */
  readonly template_id?: string;
  readonly template_version?: number;
  /** The variant that the user was shown in a test. */
  readonly variant?: string;
}

/** Returns the message of a delivery; undefined: it was not kept; `unreadable`: it cannot be opened with the current key. */
export async function loadMessage(
  pool: pg.Pool,
  seal: Seal,
  tenantId: string,
  id: DeliveryId,
): Promise<MessageView | 'unreadable' | undefined> {
  const { rows } = await pool.query<{
    to: string | null;
    sealed: Buffer;
    rendered_at: Millis;
    locale: string | null;
    user_locale: string | null;
    template_id: string | null;
    template_version: number;
    variant: string | null;
  }>(
    `select to_mask as to, sealed, rendered_at, locale, user_locale, template_id, template_version, variant from messages
     where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4`,
    [tenantId, id.notificationId, id.channel, id.target],
  );
  const row = rows[0];
  if (!row) return undefined;
  const { to, sealed, rendered_at, locale, user_locale, template_id, template_version, variant } = row;
  const message = openDocument(
    seal,
    sealed,
    documentRow('messages', tenantId, id.notificationId, id.channel, id.target),
  );
  if (!message) return 'unreadable';
  return {
    to,
    ...toMessageParts(message as unknown as Message, maskMessage),
    rendered_at: isoTime(rendered_at),
    ...(locale === null ? {} : { locale }),
    ...(user_locale === null ? {} : { user_locale }),
    ...(template_id === null ? {} : { template_id, template_version }),
    ...(variant === null ? {} : { variant }),
  };
}

/** The columns of `toDeliveryView`, of `deliveries`. */
export const DELIVERY_COLUMNS = `
       notification_id, channel, target, notification_type, user_id, status, reason_code, reason, provider, account, provider_message_id,
       attempts, due_at, created_at, finished_at, receipt_state, receipt_flags, hold_code, plan, step,
       parts, cost, currency,
       -- A scalar: an "exists" may be planned as a scan of all messages while there are few.
       (select true from messages as m where m.tenant_id = deliveries.tenant_id
               and m.notification_id = deliveries.notification_id and m.channel = deliveries.channel
               and m.target = deliveries.target limit 1) is not null as has_message,
       (select true from notifications as n where n.tenant_id = deliveries.tenant_id and n.user_id = deliveries.user_id
               and n.notification_id = deliveries.notification_id and n.rule = '${TEST_RULE}') is not null as is_test`;

export const SELECT_DELIVERY = `select ${DELIVERY_COLUMNS} from deliveries`;

/** @param amount a decimal, as the driver returns it */
function toCost(amount: string | null, currency: string): Cost | null {
  return amount === null ? null : { amount: Number(amount), currency };
}

/** Returns the id of the delivery of a row. */
function formatId(row: Pick<DeliveryView, 'notification_id' | 'channel' | 'target'>): string {
  return formatDeliveryId({ notificationId: row.notification_id, channel: row.channel, target: row.target });
}

// biome-ignore lint/suspicious/noExplicitAny: a row of SELECT_DELIVERY, named column by column below
export function toDeliveryView(row: any): DeliveryView {
  return {
    delivery_id: formatId(row),
    notification_id: row.notification_id,
    notification_type: row.notification_type,
    user_id: row.user_id,
    channel: row.channel,
    target: row.target,
    status: row.status,
    reason_code: row.reason_code,
    reason: row.reason,
    provider: row.provider,
    account: row.account,
    provider_message_id: row.provider_message_id,
    attempts_made: row.attempts,
    due_at: isoTime(row.due_at),
    created_at: isoTime(row.created_at),
    finished_at: isoTimeOrNull(row.finished_at),
    has_message: row.has_message,
    receipt_state: row.receipt_state,
    receipt_flags: row.receipt_flags ?? [],
    hold_code: row.hold_code,
    decided_by: row.plan,
    parts: row.parts,
    cost: toCost(row.cost, row.currency),
    ...(row.step !== null && { step: row.step }),
    ...(row.is_test && { test: true }),
  };
}
