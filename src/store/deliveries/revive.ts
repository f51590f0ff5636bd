import { CHANNEL_DESCRIPTORS, getChannelOfAddress } from '../../model/channels/channels.ts';
import type { Millis } from '../../model/event.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import type { Statement } from '../pg/pipeline.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { DELIVERIES_CHANNEL } from './delivery-queue.ts';

/** Newest notifications of a user that are looked at when an address becomes known. */
const MAX_REVIVED_NOTIFICATIONS = 200;
/** Oldest notification that is looked at. */
const MAX_REVIVED_AGE_MS = 31 * DAY_MS;

/** Words for what became known, by the reason code of deliveries that waited for it. */
const FOUND = {
  missing_email: 'an email address',
  missing_phone: 'a phone number',
  missing_device: 'a device',
} as const;

/** A user with an address of a kind that has become known: none was stored before. */
export interface FirstAddress {
  readonly userId: string;
  readonly kind: string;
}

/**
 * Returns the statement that queues deliveries again which ended `undeliverable` for want of an address that is now known:
 * each once, within its retry time and before it expires, of the newest MAX_REVIVED_NOTIFICATIONS of each user. Of channels that are tried
 * one after the other none is, once another has taken over. Runs in the transaction that stores
 * the address, after the locks of the users.
 *
 * A worker may be about to settle a delivery that it claimed before the address was known. Such a delivery is marked
 * (`address_added`), and its settlement queues it. A queued one is written as it is: a claim that has locked it is waited for,
 * and a claim that comes later sees the address.
 */
export function reviveStatement(tenantId: string, found: readonly FirstAddress[], now: Millis): Statement {
  const rows = found.map(({ userId, kind }) => {
    const code: keyof typeof FOUND = kind === 'email' ? 'missing_email' : 'missing_phone';
    return { u: userId, c: getChannelOfAddress(kind), m: code, w: FOUND[code], i: 1 };
  });
  return toStatement(tenantId, rows, now);
}

/**
 * Queues deliveries of a user again that ended `undeliverable` for want of a device, as `reviveStatement` does for addresses. Runs in
 * the transaction that registers the device.
 */
export async function reviveForDevice(
  connection: Connection,
  { tenantId, userId }: { readonly tenantId: string; readonly userId: string },
  now: Millis,
): Promise<void> {
  const channel = Object.values(CHANNEL_DESCRIPTORS).find(({ targets }) => targets === 'devices')?.name;
  const row: Found = { u: userId, c: channel, m: 'missing_device', w: FOUND.missing_device, i: 1 };
  const { name, text, values } = toStatement(tenantId, [row], now);
  await connection.query({ name, text, values: [...values] });
  // In the transaction: workers look when the device is there.
  await connection.query('select pg_notify($1, $2)', [DELIVERIES_CHANNEL, '']);
}

interface Found {
  readonly u: string;
  readonly c: string | undefined;
  readonly m: keyof typeof FOUND;
  readonly w: string;
  readonly i: number;
}

function toStatement(tenantId: string, rows: readonly Found[], now: Millis) {
  const oldest = uuidAt(now - MAX_REVIVED_AGE_MS);
  return { name: 'revive-deliveries', text: REVIVE, values: [tenantId, isoTime(now), JSON.stringify(rows), oldest] };
}

/** Each column of the key comes from the rows that are joined: no plan can begin with all deliveries, however few there are. */
const REVIVE = `
with candidate as materialized (
  select $1::text as tenant_id, '' as target, n.notification_id, r.c, r.m, r.w, r.i,
         (select count(*) from attempts as a
          where a.tenant_id = $1 and a.notification_id = n.notification_id and a.channel = r.c and a.target = ''
            and a.outcome = 'undeliverable') as tried,
         (select true from deliveries as o
          where o.tenant_id = $1 and o.notification_id = n.notification_id and o.step is not null
            and o.status in ('queued', 'sending', 'sent', 'sandboxed', 'in_doubt') limit 1) as is_taken_over
  from json_to_recordset($3) as r(u text, c text, m text, w text, i int)
  cross join lateral (
    select notification_id from notifications
    where tenant_id = $1 and user_id = r.u and notification_id >= $4
    order by notification_id desc limit ${MAX_REVIVED_NOTIFICATIONS}
  ) as n
), revived as (
  update deliveries as d
  set status = case d.status when 'undeliverable' then 'queued' else d.status end,
      due_at = case d.status when 'undeliverable' then $2 else d.due_at end,
      finished_at = null, dead_letter = null,
      reason_code = case d.status when 'undeliverable' then 'address_known' when 'sending' then 'address_added' else d.reason_code end,
      reason = case d.status when 'queued' then d.reason else 'Queued again: ' || candidate.w || ' became known.' end
  from candidate
  where d.tenant_id = candidate.tenant_id and d.notification_id = candidate.notification_id and d.channel = candidate.c
    and d.target = candidate.target
    and (d.status in ('queued', 'sending')
         or d.status = 'undeliverable' and d.reason_code = candidate.m and d.retry_until > $2 and candidate.tried <= 1
            and (d.expires_at is null or d.expires_at > $2)
            and candidate.is_taken_over is null)
    and ${selectivityHint('candidate.i')}
  returning d.tenant_id, d.notification_id, d.channel, d.target, d.attempts, d.reason_code, candidate.w
)
update attempts as a
set reason = concat_ws('; ', rtrim(a.reason, '.'), revived.w || ' became known on ' || to_char($2::timestamptz, 'YYYY-MM-DD HH24:MI:SS')
                                       || ' UTC, so it was queued again')
from revived
where a.tenant_id = revived.tenant_id and a.notification_id = revived.notification_id and a.channel = revived.channel
  and a.target = revived.target
  and a.attempt = revived.attempts and a.outcome = 'undeliverable' and revived.reason_code = 'address_known'
  and ${selectivityHint('revived.attempts')}`;
