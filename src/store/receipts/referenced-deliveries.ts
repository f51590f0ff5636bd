import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { DeliveryId } from '../../model/delivery-id.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import type { MessageRow } from './provider-messages.ts';

/** A delivery that a report names by our reference, and the account that reports. */
export interface ReportedReference extends DeliveryId {
  readonly tenantId: string;
  readonly provider: string;
  /** Empty: that of the installation. */
  readonly account: string;
  /** Key of the message in the report: its id, or our reference. */
  readonly messageKey: string;
}

/**
 * Returns the messages of deliveries whose attempt was never recorded with its message, because its worker died after it had handed
 * it over: an attempt of each is known to be of the account, or it is not known of which it is. A delivery that is being sent is left
 * out: a doubt about it is ended once the attempt under way has. The address is the present one, if it has not changed since the
 * delivery was made; otherwise it is not known.
 */
export async function findReferencedMessages(
  connection: Connection,
  references: readonly ReportedReference[],
): Promise<MessageRow[]> {
  if (references.length === 0) return [];
  const { rows } = await connection.query<{ i: number; hash: string | null }>({
    name: 'find-referenced-messages',
    text: `select q.i, a.hash
           from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
             with ordinality as q(t, n, c, g, k, p, ac, i)
           cross join lateral (
             select user_id, created_at from deliveries
             where tenant_id = q.t and notification_id = q.n and channel = q.c and target = q.g and status <> 'sending'
               and exists (
                 select from all_attempts() as tried
                 where tried.tenant_id = q.t and tried.notification_id = q.n and tried.channel = q.c and tried.target = q.g
                   and (tried.provider = 'unknown' or (tried.provider = q.p and coalesce(tried.account, '') = q.ac)))
             limit 1
           ) as d
           left join lateral (
             select hash from addresses
             where tenant_id = q.t and user_id = d.user_id and kind = q.k and place = 0 and updated_at <= d.created_at limit 1
           ) as a on true
           where ${selectivityHint('q.i')}`,
    values: [
      references.map(({ tenantId }) => tenantId),
      references.map(({ notificationId }) => notificationId),
      references.map(({ channel }) => channel),
      references.map(({ target }) => target),
      references.map(({ channel }) => CHANNEL_DESCRIPTORS[channel as Channel].addressKind ?? null),
      references.map(({ provider }) => provider),
      references.map(({ account }) => account),
    ],
  });
  return rows.map(({ i, hash }) => {
    const { channel, ...reference } = references[i - 1] as ReportedReference;
    return { ...reference, channel: channel as Channel, addressHash: hash };
  });
}
