import { getChannelOfAddress } from '../../model/channels/channels.ts';
import type { Millis } from '../../model/event.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import type { Statement } from '../pg/pipeline.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';

/** Newest notifications of a user that are looked at when an address becomes known. */
const MAX_REVIVED_NOTIFICATIONS = 200;
/** Oldest notification that is looked at. */
const MAX_REVIVED_AGE_MS = 31 * DAY_MS;

/** A user with an address of a kind that has become known: none was stored before. */
export interface FirstAddress {
  readonly userId: string;
  readonly kind: string;
}

/**
 * Returns the statement that queues deliveries again which ended `undeliverable` for want of an address that is now known:
 * each once, within its retry time, of the newest MAX_REVIVED_NOTIFICATIONS of each user. Runs in the transaction that stores
 * the address, after the locks of the users.
 *
 * A worker may be about to settle a delivery that it claimed before the address was known. Such a delivery is marked
 * (`address_added`), and its settlement queues it. A queued one is written as it is: a claim that has locked it is waited for,
 * and a claim that comes later sees the address.
 */
export function reviveStatement(tenantId: string, found: readonly FirstAddress[], now: Millis): Statement {
  const oldest = Math.max(0, now - MAX_REVIVED_AGE_MS);
  const hex = oldest.toString(16).padStart(12, '0');
  const rows = found.map(({ userId, kind }) => ({
    u: userId,
    c: getChannelOfAddress(kind),
    m: `missing_${kind}`,
    w: kind === 'email' ? 'an email address' : 'a phone number',
    i: 1,
  }));
  return {
    name: 'revive-deliveries',
    text: REVIVE,
    values: [tenantId, isoTime(now), JSON.stringify(rows), `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`],
  };
}

const REVIVE = `
with candidate as materialized (
  select n.notification_id, r.c, r.m, r.w, r.i,
         (select count(*) from attempts as a
          where a.tenant_id = $1 and a.notification_id = n.notification_id and a.channel = r.c and a.target = ''
            and a.outcome = 'undeliverable') as tried
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
  where d.tenant_id = $1 and d.notification_id = candidate.notification_id and d.channel = candidate.c
    and d.target = ''
    and (d.status in ('queued', 'sending')
         or d.status = 'undeliverable' and d.reason_code = candidate.m and d.retry_until > $2 and candidate.tried <= 1)
    and ${selectivityHint('candidate.i')}
  returning d.notification_id, d.channel, d.attempts, d.reason_code, candidate.w
)
update attempts as a
set reason = concat_ws('; ', rtrim(a.reason, '.'), revived.w || ' became known on ' || to_char($2::timestamptz, 'YYYY-MM-DD HH24:MI:SS')
                                       || ' UTC, so it was queued again')
from revived
where a.tenant_id = $1 and a.notification_id = revived.notification_id and a.channel = revived.channel and a.target = ''
  and a.attempt = revived.attempts and a.outcome = 'undeliverable' and revived.reason_code = 'address_known'
  and ${selectivityHint('revived.attempts')}`;
