import type { DeliveryId } from '../../model/delivery-id.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** The account by which a message turned out to be sent. */
export interface KnownSender {
  /** Null: that was not reported. */
  readonly provider: string | null;
  /** Null: that of the installation, or it was not reported. */
  readonly account: string | null;
  readonly providerMessageId: string | null;
  /** Whether it was sent whatever became of later attempts: then a delivery that has failed or was dropped meanwhile is sent as well. */
  readonly wasAccepted: boolean;
}

/**
 * Ends the doubt about a delivery: its provider has the message. It is sent, and not sent again, as if its attempt had been recorded
 * late (`settleDeliveries`); the attempt says that there was a doubt. Returns whether there was one.
 */
export async function endDoubt(
  connection: Connection,
  { tenantId, notificationId, channel, target }: DeliveryId & { readonly tenantId: string },
  { provider, account, providerMessageId, wasAccepted }: KnownSender,
  now: Millis,
): Promise<boolean> {
  const { rows } = await connection.query({
    name: 'end-doubt',
    text: `with doubt as (
             select attempt, provider, account, provider_message_id from attempts
             where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 and outcome = 'in_doubt'
             order by attempt desc limit 1
           ), ended as (
             update deliveries as d
             set status = 'sent', reason_code = null, reason = null, dead_letter = null, hold_code = null, finished_at = $8,
                 provider = coalesce($5, doubt.provider), account = case when $5::text is null then doubt.account else $6 end,
                 provider_message_id = coalesce($7, doubt.provider_message_id)
             from doubt
             where d.tenant_id = $1 and d.notification_id = $2 and d.channel = $3 and d.target = $4
               and (d.status in ('in_doubt', 'queued', 'cancelled') or $9 and d.status in ('dead', 'dropped', 'undeliverable'))
             returning doubt.attempt, d.provider, d.account, d.provider_message_id
           )
           update attempts as a
           set outcome = 'sent', provider = ended.provider, account = ended.account, provider_message_id = ended.provider_message_id,
               reason = 'it was in doubt until ' || to_char($8::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
           from ended
           where a.tenant_id = $1 and a.notification_id = $2 and a.channel = $3 and a.target = $4 and a.attempt = ended.attempt
           returning 1`,
    values: [
      tenantId,
      notificationId,
      channel,
      target,
      provider,
      account,
      providerMessageId,
      isoTime(now),
      wasAccepted,
    ],
  });
  return rows.length > 0;
}
