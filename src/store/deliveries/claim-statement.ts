import { BATCH_EVENT } from '../../model/batch.ts';
import type { Category } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel, type DeliveryStatus, type InDoubtPolicy } from '../../model/delivery.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { ReleaseUnderWay } from '../../model/release.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { chooseVersion } from '../releases/active-version.ts';
import type { ClaimedDelivery, ClaimHandle } from './claimed-delivery.ts';
import { CLAIM_SLACK_SHARE, leaseExpiry, upsertLeases } from './leases.ts';
import { suppressedReason, suppressionOf } from './suppressed.ts';

/** Due deliveries that are looked at to find a probe. */
const MAX_PROBE_CANDIDATES = 200;

/** A delivery that a claim found not to be sent, and ended. */
export interface EndedAtClaim {
  readonly tenantId: string;
  readonly channel: Channel;
  readonly status: DeliveryStatus;
  /** Why, as docs/errors.md has it. */
  readonly code: string;
}

/** Returns what a claim has ended. */
export function listEnded(rows: readonly ClaimedRow[]): EndedAtClaim[] {
  return rows.flatMap((row) => {
    const [status, code] = [row[30], row[31]];
    return status === null ? [] : [{ tenantId: row[0], channel: row[2], status, code: code ?? 'unknown' }];
  });
}

/** Returns undefined for a delivery that is not to be sent: the statement has settled it. */
export function toClaimedDelivery(lease: string, row: ClaimedRow): ClaimedDelivery | undefined {
  const [catalogVersion, data] = [row[9], row[11]];
  if (catalogVersion === null || !row[21]) return undefined;
  return {
    lease,
    tenantId: row[0],
    notificationId: row[1],
    channel: row[2],
    userId: row[3],
    notificationType: row[4],
    attempt: row[5],
    fence: row[6],
    retryUntil: row[7],
    inDoubt: row[8],
    catalogVersion,
    activeCatalog: row[10] === null ? catalogVersion : chooseVersion({ version: row[10], release: row[32] }, row[3]),
    data,
    address: row[12] === null ? null : { sealed: row[12], mask: row[13], hash: row[22] },
    handle: row[14],
    sealedData: row[15],
    target: row[17],
    priority: row[18],
    step: row[19],
    expiresAt: row[20],
    category: row[23],
    stoppedSenders: row[25],
    lastAccount: row[26],
    heardOutcomes: row[27],
    sequence: row[28],
    hasTerms: row[29] === true,
  };
}

export type ClaimedRow = [
  tenantId: string,
  notificationId: string,
  channel: Channel,
  userId: string,
  notificationType: string,
  attempt: number,
  fence: number,
  retryUntil: Millis,
  inDoubt: InDoubtPolicy,
  catalogVersion: number | null,
  activeCatalog: number | null,
  data: JsonObject | null,
  sealed: Buffer | null,
  mask: string,
  handle: ClaimHandle,
  sealedData: Buffer | null,
  dueAt: Millis,
  target: string,
  priority: number,
  step: number | null,
  expiresAt: Millis | null,
  isSending: boolean,
  hash: string,
  category: Category,
  isSuppressed: boolean,
  stoppedSenders: string[] | null,
  lastAccount: string | null,
  heardOutcomes: readonly string[] | null,
  sequence: number | null,
  hasTerms: boolean | null,
  endedStatus: DeliveryStatus | null,
  endedCode: string | null,
  release: ReleaseUnderWay | null,
];

/**
 * Bound of the data of a claimed delivery, in bytes of JSON and of what is sealed. There may be thousands; larger data is
 * loaded when the message is rendered, for as many at a time as are sent at a time.
 */
const MAX_CLAIMED_DATA_BYTES = 64 * 1024;

const ifSmall = (column: string) => `case
            when octet_length(n.data::text) + coalesce(octet_length(n.sealed), 0) <= ${MAX_CLAIMED_DATA_BYTES} then ${column}
          end`;

// `finished_at is null` selects the index of the queue, which also holds what is being sent. An empty claim writes nothing.
const DUE = `
    select ctid as row, tableoid, tenant_id, notification_id, channel, user_id, attempts, due_at from deliveries
    where finished_at is null and status = 'queued' and deliveries.channel = want.channel and due_at <= $2
      and due_at >= want.floor`;

/** The kind of address that `due.channel` needs; null: none. */
const ADDRESS_KIND_OF_CHANNEL = `case due.channel ${CHANNELS.flatMap((channel) => {
  const kind = CHANNEL_DESCRIPTORS[channel].addressKind;
  return kind ? [`when '${channel}' then '${kind}'`] : [];
}).join(' ')} end`;

const SENDER_SCOPE = 'sender:';

const EXPIRED = '(d.expires_at is not null and d.expires_at < $2)';
const CANCELLED = `(n.cancelled_at is not null or b.state is not distinct from 'cancelled')`;
const ENDED = `(n.data is null or ${CANCELLED} or ${EXPIRED} or s.reason is not null)`;
/** It stays queued: a look at its batch makes it due again, and a claim after this time would hold it once more. */
const PAUSED = `(b.state is not distinct from 'paused' and not ${ENDED})`;
const PAUSE = `interval '1 hour'`;
const UNSENT = `(${ENDED} or b.state is not distinct from 'paused')`;

/** The batch of a notification, if no delivery of it may be sent. Looked at only for what a request asked for. */
const STOPPED_BATCH = `
left join lateral (
  select state from batches
  where tenant_id = due.tenant_id and state in ('paused', 'cancelled')
    and batch_id = case when starts_with(n.event_id, '${BATCH_EVENT}') then substr(n.event_id, ${BATCH_EVENT.length + 1}, 36)::uuid end
) as b on n.rule = '${DIRECT_RULE}'`;

const SUPPRESSION = suppressionOf({
  tenant: 'due.tenant_id',
  channel: 'due.channel',
  hash: 'a.hash',
  category: 'n.category',
  type: 'n.notification_type',
  now: '$2',
});

/** @param due the due deliveries of `want.channel`, as many as `want.n` asks for, locked */
const claimStatement = (
  due: string,
  want = 'unnest($4::text[], $5::int[], $6::timestamptz[]) as want(channel, n, floor)',
) => `
with due as (
  select q.*, want.n from ${want}
  cross join lateral (${due}
  ) as q
), held as (
  ${upsertLeases(`select $1, ${leaseExpiry('$3')} where exists (select from due)`, `$3::float8 * ${CLAIM_SLACK_SHARE}`)}
)
update deliveries as d
set status = case when n.data is null then 'dead' when ${CANCELLED} then 'cancelled' when ${EXPIRED} or s.reason is not null then 'dropped'
                  when ${PAUSED} then 'queued' else 'sending' end,
    worker = $1, claimed_at = $2, fence = d.fence + 1, hold_code = case when ${PAUSED} then 'batch_paused' end,
    due_at = case when ${PAUSED} then $2::timestamptz + ${PAUSE} else d.due_at end,
    retry_until = case when ${PAUSED} then d.retry_until + ($2::timestamptz + ${PAUSE} - d.due_at) else d.retry_until end,
    attempts = case when ${UNSENT} then d.attempts else d.attempts + 1 end,
    send_started = not ${UNSENT} and d.in_doubt_policy = 'resend',
    finished_at = case when ${ENDED} then $2::timestamptz end,
    dead_letter = case when n.data is null then dead_letter_group('message', d.channel, d.provider, d.account, 'notification_gone', null)
                       when ${CANCELLED} then null when ${EXPIRED} then dead_letter_group('message', d.channel, d.provider, d.account, 'expired', null) end,
    reason_code = case when n.data is null then 'notification_gone' when ${CANCELLED} then 'cancelled' when ${EXPIRED} then 'expired'
                       when s.reason is not null then 'suppressed' else d.reason_code end,
    reason = case when n.data is null
                  then 'Its notification is no longer stored, so there is nothing to send: the partition was dropped.'
                  when ${CANCELLED} then case when b.state = 'cancelled' then 'Its batch was cancelled.' else 'Its notification was cancelled.' end
                  when ${EXPIRED}
                  then 'It expired on ' || to_char(d.expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC, before it could be sent.'
                  when s.reason is not null
                  then ${suppressedReason('s')}
                  else d.reason end
from due
left join notifications as n using (tenant_id, user_id, notification_id)
left join active_catalogs as k on k.tenant_id = due.tenant_id
left join addresses as a on a.tenant_id = due.tenant_id and a.user_id = due.user_id
  and a.kind = ${ADDRESS_KIND_OF_CHANNEL} and a.place = 0
left join lateral (${SUPPRESSION}
) as s on true${STOPPED_BATCH}
where d.ctid = due.row and d.tableoid = due.tableoid and d.notification_id = due.notification_id
  and ${selectivityHint('due.n')}
returning d.tenant_id, d.notification_id, d.channel, d.user_id, d.notification_type, d.attempts, d.fence, d.retry_until,
          d.in_doubt_policy, n.catalog_version, k.version,
          ${ifSmall('n.data')}, a.sealed, a.mask, d.ctid, ${ifSmall('n.sealed')}, d.due_at, d.target,
          d.priority, d.step, d.expires_at, d.status = 'sending', a.hash, n.category,
          s.reason is not null and d.status = 'dropped',
          case when due.channel = 'sms' then (
            select array_agg(substr(scope, ${SENDER_SCOPE.length + 1})) from suppressions
            where tenant_id = due.tenant_id and channel = due.channel and address_hash = a.hash
              and scope like '${SENDER_SCOPE}%' and (until is null or until > $2)
          ) end, d.account, k.heard_outcomes, n.sequence::float8, k.has_terms,
          case when d.finished_at is not null then d.status end, case when d.finished_at is not null then d.reason_code end,
          k.release`;

const LONGEST_DUE = 'order by due_at limit want.n for update skip locked';

export const CLAIM = claimStatement(`${DUE}
    ${LONGEST_DUE}`);

export const CLAIM_LANES = claimStatement(
  `${DUE} and priority = want.priority and delivery_lane(tenant_id, deliveries.channel, target) = want.lane
    ${LONGEST_DUE}`,
  `unnest($4::text[], $5::int[], $6::timestamptz[], $7::smallint[], $8::text[])
     as want(channel, n, floor, priority, lane)`,
);

export const CLAIM_PROBES = claimStatement(`
    select * from (${DUE}
      order by due_at limit case when want.n < 0 then ${MAX_PROBE_CANDIDATES} else want.n end
      for update skip locked
    ) as candidate
    order by case when want.n < 0 then least(attempts, 1) end, due_at limit abs(want.n)`);

/** Claims by their keys those that are still late: expired ones are settled, the others are to be ended. */
export const CLAIM_LATE = claimStatement(
  `select ctid as row, tableoid, tenant_id, notification_id, channel, user_id, attempts, due_at from deliveries
    where tenant_id = want.tenant and notification_id = want.id and channel = $7 and target = want.target
      and finished_at is null and status = 'queued' and (retry_until <= $2 or expires_at < $2)
    for update skip locked`,
  'unnest($4::text[], $5::uuid[], $6::text[]) with ordinality as want(tenant, id, target, n)',
);
