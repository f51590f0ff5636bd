import type pg from 'pg';
import type { Category } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel, type InDoubtPolicy } from '../../model/delivery.ts';
import { type DeliveryId, formatDeliveryId } from '../../model/delivery-id.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import type { RateWindow } from '../../model/rate-limit.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import { cancelDeliveries } from '../jobs/delivery-jobs.ts';
import type { Connection } from '../pg/pool.ts';
import { type QueueFloor, toFloorParam } from '../pg/queue-floor.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { withTransaction } from '../pg/transaction.ts';
import { lockDeliveryState } from './delivery-state.ts';
import { advanceSteps } from './fallbacks.ts';
import { getLaneName, type Lane } from './lanes.ts';
import { CLAIM_SLACK_SHARE, leaseExpiry, upsertLeases } from './leases.ts';
import { LockedLimits, type RateUse } from './rate-limits.ts';

/** Channel of the NOTIFY that says that there is something to deliver. */
export const DELIVERIES_CHANNEL = 'tidings_deliveries';

declare const claimHandle: unique symbol;

/**
 * Locates the row of a claimed delivery, so that its settlement need not search for it. Opaque: only src/store reads it.
 * (It is the row's ctid, which is valid until the row is written again; the fence is checked all the same.)
 */
export type ClaimHandle = string & { readonly [claimHandle]: true };

/** A delivery that a worker has claimed. */
export interface ClaimedDelivery {
  /** The lease that it is held under; see leases.ts. */
  readonly lease: string;
  /** Passed back with the settlement. `markSendStarted` replaces it. */
  handle: ClaimHandle;
  readonly tenantId: string;
  readonly notificationId: string;
  readonly channel: Channel;
  /** Id of a device or an endpoint; empty: the address of the user, or none. */
  readonly target: string;
  readonly userId: string;
  readonly notificationType: string;
  /** The catalog version that decided it, and the active one. */
  readonly catalogVersion: number;
  readonly activeCatalog: number;
  /** Events about outcomes, such as `notification.failed`, that endpoints of webhooks subscribe to; null: none. */
  readonly heardOutcomes: readonly string[] | null;
  /** Data for its templates, with addresses masked; null: it is large, and loaded when the message is rendered. */
  readonly data: JsonObject | null;
  /** The originals of parts of the data; null if nothing in it is masked but the user's addresses. */
  readonly sealedData: Buffer | null;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Grows with each claim: settlements of an earlier claim no longer change the delivery. */
  readonly fence: number;
  /** No attempt is scheduled after this time. */
  readonly retryUntil: Millis;
  readonly inDoubt: InDoubtPolicy;
  /** 0 (URGENT) to 3 (LOW). */
  readonly priority: number;
  /** Place among channels that are tried one after the other, from 1; null: all channels are used. */
  readonly step: number | null;
  /** After this the message is of no use; null: it keeps its use. */
  readonly expiresAt: Millis | null;
  /** Null: the user has no address of the kind that the channel needs, or the channel needs none. */
  readonly address: { readonly sealed: Buffer; readonly mask: string; readonly hash: string } | null;
  readonly category: Category;
  /** The senders of which the owner of its phone number wants no messages; null: of no sender, or it is no SMS. */
  readonly stoppedSenders: readonly string[] | null;
  /** Ids of the windows of limits of which the claim took a token for it. Absent: it took none. */
  readonly taken?: ReadonlySet<string>;
  /** When they were taken, by the monotonic clock. */
  readonly claimedAt?: Millis;
  /** Account that made an earlier attempt; null: none, or that of the installation. */
  readonly lastAccount: string | null;
}

/** Number of deliveries of a channel that a worker can accept. */
export interface ChannelCapacity {
  readonly channel: Channel;
  readonly count: number;
  /** Prefers a delivery without an attempt among those that are due: what fails for its own reasons would be a poor probe. */
  readonly isProbe?: boolean;
  /** Only urgent deliveries: the room for others is taken. */
  readonly isUrgent?: boolean;
}

/** Request of a claim: deliveries of a channel, or of one of its lanes. */
export interface ClaimWant extends ChannelCapacity {
  readonly lane?: Lane;
  /** Deliveries that are due before it are not looked at; absent: all are. */
  readonly floor?: QueueFloor;
  /** Limits of which each claimed delivery takes a token; absent: none. Of a lane only. */
  readonly limits?: readonly RateWindow[];
}

/** Due deliveries that are looked at to find a probe. */
const MAX_PROBE_CANDIDATES = 200;
/** Claims in a row that may find nothing but deliveries without a notification. */
const MAX_EMPTY_CLAIMS = 100;

/**
 * Claims due deliveries under this lease, the oldest of each channel or lane first, at most `count` of each. Concurrent calls never
 * claim the same delivery. The lease expires after `duration` ms, less CLAIM_SLACK_SHARE of it, unless it is renewed. A claim counts as an attempt, until
 * the delivery is released or rescued unsent. A delivery whose notification is no longer stored (its partition was dropped)
 * is settled as dead, one that has expired as dropped, and neither is returned.
 *
 * If this throws, the claim may have been committed all the same: claim under another lease from then on, and let this one
 * expire.
 */
export async function claimDeliveries(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
): Promise<ClaimedDelivery[]> {
  const ofLanes = wants.filter(({ lane }) => lane);
  const ofChannels = wants.filter(({ lane }) => !lane);
  const claimed = ofChannels.length === 0 ? [] : await claimAll(pool, lease, ofChannels, now, duration);
  return ofLanes.length === 0 ? claimed : [...claimed, ...(await claimAll(pool, lease, ofLanes, now, duration))];
}

/** @param wants all of lanes, or all of channels */
async function claimAll(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
): Promise<ClaimedDelivery[]> {
  for (let claim = 1; ; claim++) {
    const rows = await claimRows(pool, lease, wants, now, duration);
    await skipSuppressed(pool, rows, now);
    const claimed = rows.flatMap((row) => toClaimedDelivery(lease, row) ?? []);
    if (claimed.length > 0 || rows.length === 0 || claim === MAX_EMPTY_CLAIMS) return claimed;
  }
}

/** Result of a claim within limits. */
export interface LimitedClaim {
  readonly deliveries: readonly ClaimedDelivery[];
  /** As asked for, with the number of deliveries that the limits allowed. */
  readonly wants: readonly ClaimWant[];
  /** Time in ms after which the limits allow more of what they did not allow now; null: they allowed everything. */
  readonly wait: Millis | null;
}

/**
 * Claims as `claimDeliveries`, of each lane only as many deliveries as its limits have tokens for, which the same transaction
 * takes: what is not claimed takes no token, and what the limits do not allow is not written.
 * @param wants all of lanes, in the order in which they get the tokens
 * @param isUrgent whether deliveries of this priority may take the tokens that are kept for urgent ones
 */
export async function claimWithinLimits(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
  isUrgent: (priority: number) => boolean,
): Promise<LimitedClaim> {
  for (let claim = 1; ; claim++) {
    const { rows, ...found } = await claimOnceWithinLimits(pool, lease, wants, now, duration, isUrgent);
    // On another connection: not while that of the claim has locks.
    await skipSuppressed(pool, rows, now);
    if (found.deliveries.length > 0 || rows.length === 0 || claim === MAX_EMPTY_CLAIMS) return found;
  }
}

async function claimOnceWithinLimits(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
  isUrgent: (priority: number) => boolean,
): Promise<LimitedClaim & { readonly rows: readonly ClaimedRow[] }> {
  const toUse = ({ limits = [], lane }: ClaimWant): RateUse => ({
    windows: limits,
    isUrgent: lane !== undefined && isUrgent(lane.priority),
  });
  const { rows, granted, wait } = await withTransaction(pool, async (connection) => {
    const locked = await LockedLimits.lock(
      connection,
      wants.flatMap(({ limits = [] }) => limits),
    );
    const uses = wants.map(toUse);
    const granted = wants.map((want, place) => {
      const use = uses[place] as RateUse;
      const count = use.windows.length === 0 ? want.count : Math.min(want.count, locked.count(use));
      locked.take(use.windows, count);
      return { ...want, count };
    });
    const some = granted.filter(({ count }) => count > 0);
    const rows = some.length === 0 ? [] : await claimRows(connection, lease, some, now, duration);
    const sending = countSending(rows);
    for (const { count, limits = [], ...want } of granted) locked.take(limits, (sending.get(toKey(want)) ?? 0) - count);
    const short = uses.filter((_, place) => (granted[place]?.count ?? 0) < (wants[place]?.count ?? 0));
    const wait = short.length === 0 ? null : Math.min(...short.map((use) => locked.getWait(use).wait));
    await locked.save(connection);
    return { rows, granted, wait };
  });
  const claimedAt = performance.now();
  const taken = new Map(granted.map((want) => [toKey(want), new Set(want.limits?.map(({ id }) => id))]));
  const deliveries = rows.flatMap((row) => {
    const delivery = toClaimedDelivery(lease, row);
    const ids = taken.get(toRowKey(row));
    return delivery ? [ids && ids.size > 0 ? { ...delivery, taken: ids, claimedAt } : delivery] : [];
  });
  return { rows, deliveries, wants: granted, wait };
}

/** Returns how many of the claimed deliveries of each lane are to be sent. */
function countSending(rows: readonly ClaimedRow[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) if (row[21]) counts.set(toRowKey(row), (counts.get(toRowKey(row)) ?? 0) + 1);
  return counts;
}

function toRowKey(row: ClaimedRow): string {
  return toKey({ channel: row[2], lane: { priority: row[18], name: getLaneName(row[0], row[2], row[17]) } });
}

/** Goes on with the next channel of notifications whose address on this one is suppressed; after a crash it waits for its time. */
async function skipSuppressed(pool: pg.Pool, rows: readonly ClaimedRow[], now: Millis): Promise<void> {
  const results = rows.flatMap((row) => {
    const [tenantId, notificationId, channel, step, isSuppressed] = [row[0], row[1], row[2], row[19], row[24]];
    return isSuppressed && step !== null ? [{ tenantId, notificationId, channel, step, reached: false }] : [];
  });
  if (results.length > 0) await withTransaction(pool, (connection) => advanceSteps(connection, results, now));
}

/** Runs one claim from the floors of the channels or lanes, and moves the floors. */
async function claimRows(
  connection: Pick<Connection, 'query'>,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
): Promise<ClaimedRow[]> {
  const scans = wants.map((want) => {
    const { floor, count, isProbe } = want;
    // A probe is not the delivery that has been due longest, and says nothing about the others.
    return floor && count > 0 && !isProbe ? { want, floor, scan: floor.begin(now) } : undefined;
  });
  try {
    const { rows } = await connection.query<ClaimedRow>({
      ...chooseStatement(wants),
      rowMode: 'array',
      values: [
        lease,
        isoTime(now),
        duration,
        wants.map(({ channel }) => channel),
        // Negative: a probe.
        wants.map(({ count, isProbe }) => (isProbe ? -count : count)),
        scans.map((one) => toFloorParam(one?.scan.from ?? Number.NEGATIVE_INFINITY)),
        ...(wants[0]?.lane ? [wants.map(({ lane }) => lane?.priority), wants.map(({ lane }) => lane?.name)] : []),
      ],
    });
    const oldest = scans.length === 0 ? undefined : findOldest(rows, wants);
    for (const one of scans) one?.floor.end(one.scan, now, oldest?.get(toKey(one.want)) ?? null);
    return rows;
  } finally {
    for (const one of scans) one?.floor.abandon(one.scan);
  }
}

function chooseStatement(wants: readonly ClaimWant[]): { readonly name: string; readonly text: string } {
  if (wants[0]?.lane) return { name: 'claim-lanes', text: CLAIM_LANES };
  return wants.some(({ isProbe }) => isProbe)
    ? { name: 'claim-probes', text: CLAIM_PROBES }
    : { name: 'claim-deliveries', text: CLAIM };
}

/** Returns the earliest due times of the claimed deliveries of each channel or lane. */
function findOldest(rows: readonly ClaimedRow[], wants: readonly ClaimWant[]): ReadonlyMap<string, Millis> {
  const oldest = new Map<string, Millis>();
  const ofLanes = wants[0]?.lane !== undefined;
  for (const row of rows) {
    const channel = row[2];
    const key = ofLanes ? toRowKey(row) : channel;
    if (row[16] < (oldest.get(key) ?? Number.POSITIVE_INFINITY)) oldest.set(key, row[16]);
  }
  return oldest;
}

function toKey({ channel, lane }: Pick<ClaimWant, 'channel' | 'lane'>): string {
  return lane ? `${channel} ${lane.priority} ${lane.name}` : channel;
}

/** Returns undefined for a delivery that is not to be sent: the statement has settled it. */
function toClaimedDelivery(lease: string, row: ClaimedRow): ClaimedDelivery | undefined {
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
    activeCatalog: row[10] ?? catalogVersion,
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
  };
}

type ClaimedRow = [
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
];

/**
 * Bound of the data of a claimed delivery, in bytes of JSON and of what is sealed. There may be thousands; larger data is
 * loaded when the message is rendered, for as many at a time as are sent at a time.
 */
const MAX_CLAIMED_DATA_BYTES = 64 * 1024;

const ifSmall = (column: string) => `case
            when octet_length(n.data::text) + coalesce(octet_length(n.sealed), 0) <= ${MAX_CLAIMED_DATA_BYTES} then ${column}
          end`;

/** Loads the data of a notification that was too large for the claim; undefined if it is gone. */
export async function loadNotificationData(
  pool: pg.Pool,
  { tenantId, userId, notificationId }: Pick<ClaimedDelivery, 'tenantId' | 'userId' | 'notificationId'>,
): Promise<{ readonly data: JsonObject; readonly sealed: Buffer | null } | undefined> {
  const { rows } = await pool.query<{ data: JsonObject; sealed: Buffer | null }>({
    name: 'load-notification-data',
    text: 'select data, sealed from notifications where tenant_id = $1 and user_id = $2 and notification_id = $3',
    values: [tenantId, userId, notificationId],
  });
  return rows[0];
}

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
const UNSENT = `(n.data is null or ${EXPIRED} or s.reason is not null)`;

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
set status = case when n.data is null then 'dead' when ${EXPIRED} or s.reason is not null then 'dropped' else 'sending' end,
    worker = $1, claimed_at = $2, fence = d.fence + 1, hold_code = null,
    attempts = case when ${UNSENT} then d.attempts else d.attempts + 1 end,
    send_started = not ${UNSENT} and d.in_doubt_policy = 'resend',
    finished_at = case when ${UNSENT} then $2::timestamptz end,
    dead_letter = case when n.data is null then dead_letter_group('message', d.channel, d.provider, d.account, 'notification_gone', null)
                       when ${EXPIRED} then dead_letter_group('message', d.channel, d.provider, d.account, 'expired', null) end,
    reason_code = case when n.data is null then 'notification_gone' when ${EXPIRED} then 'expired'
                       when s.reason is not null then 'suppressed' else d.reason_code end,
    reason = case when n.data is null
                  then 'Its notification is no longer stored, so there is nothing to send: the partition was dropped.'
                  when ${EXPIRED}
                  then 'It expired on ' || to_char(d.expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC, before it could be sent.'
                  when s.reason is not null
                  then 'The address is suppressed since ' || to_char(s.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
                    || ' UTC for ' || s.scope || ': ' || s.reason || '. Lift suppression ' || s.suppression_id || ' to send to it again.'
                  else d.reason end
from due
left join notifications as n using (tenant_id, user_id, notification_id)
left join active_catalogs as k on k.tenant_id = due.tenant_id
left join addresses as a on a.tenant_id = due.tenant_id and a.user_id = due.user_id
  and a.kind = ${ADDRESS_KIND_OF_CHANNEL} and a.place = 0
left join lateral (
  select suppression_id, scope, reason, since from suppressions
  where tenant_id = due.tenant_id and channel = due.channel and address_hash = a.hash and (until is null or until > $2)
    and (scope = 'all' or scope = 'category:' || n.category or scope = 'type:' || n.notification_type)
  order by scope limit 1
) as s on true
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
          ) end, d.account, k.heard_outcomes`;

const LONGEST_DUE = 'order by due_at limit want.n for update skip locked';

const CLAIM = claimStatement(`${DUE}
    ${LONGEST_DUE}`);

const CLAIM_LANES = claimStatement(
  `${DUE} and priority = want.priority and delivery_lane(tenant_id, deliveries.channel, target) = want.lane
    ${LONGEST_DUE}`,
  `unnest($4::text[], $5::int[], $6::timestamptz[], $7::smallint[], $8::text[])
     as want(channel, n, floor, priority, lane)`,
);

const CLAIM_PROBES = claimStatement(`
    select * from (${DUE}
      order by due_at limit case when want.n < 0 then ${MAX_PROBE_CANDIDATES} else want.n end
      for update skip locked
    ) as candidate
    order by case when want.n < 0 then least(attempts, 1) end, due_at limit abs(want.n)`);

/**
 * Marks that the send starts, right before a send that must not happen twice (`in_doubt: hold`): after a crash from here on
 * the delivery is in doubt. Types with `in_doubt: resend` save this statement; their claim marks them from the start.
 * Returns false if the lease was lost: the message must not be sent.
 */
export async function markSendStarted(pool: pg.Pool, delivery: ClaimedDelivery): Promise<boolean> {
  const { rows } = await pool.query<{ handle: ClaimHandle }>({
    name: 'mark-send-started',
    text: `update deliveries set send_started = true
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 and fence = $5 and status = 'sending'
           returning ctid as handle`,
    values: [delivery.tenantId, delivery.notificationId, delivery.channel, delivery.target, delivery.fence],
  });
  if (!rows[0]) return false;
  delivery.handle = rows[0].handle;
  return true;
}

/**
 * Returns deliveries that were claimed but not started to the queue. The attempt does not count.
 * @param dueAt for each delivery when it is due again; null: as before. Default: null for all
 * @param holdCodes for each delivery why it waits until then; null: its turn. Default: null for all
 */
export async function releaseDeliveries(
  pool: pg.Pool,
  deliveries: readonly ClaimedDelivery[],
  dueAt: readonly (Millis | null)[] = deliveries.map(() => null),
  holdCodes: readonly (string | null)[] = deliveries.map(() => null),
): Promise<void> {
  await pool.query({
    name: 'release-deliveries',
    text: `update deliveries as d
           set status = 'queued', attempts = attempts - 1, due_at = coalesce(r.d, due_at), hold_code = r.h,
               -- A limit delays, and takes nothing from the time for retries.
               retry_until = case when r.h = 'rate_limited' then retry_until + greatest(r.d - due_at, '0') else retry_until end
           from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::text[])
             as r(t, n, c, g, f, d, h)
           where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.target = r.g and d.fence = r.f
             and d.status = 'sending' and ${selectivityHint('r.f')}`,
    values: [...keyColumns(deliveries), dueAt.map((time) => isoTimeOrNull(time)), holdCodes],
  });
}

/**
 * Returns when the next queued delivery of these channels is due, which may be in the past; null: none is queued.
 * @param floors deliveries that are due before them are left out
 */
export async function loadNextDueDelivery(
  pool: pg.Pool,
  channels: readonly Channel[],
  floors?: ReadonlyMap<Channel, QueueFloor>,
): Promise<Millis | null> {
  const { rows } = await pool.query<{ due: Millis | null }>({
    name: 'next-due',
    text: `select min(q.due_at) as due from unnest($1::text[], $2::timestamptz[]) as want(channel, floor)
           cross join lateral (
             select due_at from deliveries
             where finished_at is null and status = 'queued' and deliveries.channel = want.channel and due_at >= want.floor
             order by due_at limit 1
           ) as q`,
    values: [channels, channels.map((channel) => floors?.get(channel)?.param ?? '-infinity')],
  });
  return rows[0]?.due ?? null;
}

/** Returns the keys and fences of deliveries as five arrays: tenants, notifications, channels, targets, fences. */
export function keyColumns(
  deliveries: readonly Pick<ClaimedDelivery, 'tenantId' | 'notificationId' | 'channel' | 'target' | 'fence'>[],
): unknown[] {
  return [
    deliveries.map((delivery) => delivery.tenantId),
    deliveries.map((delivery) => delivery.notificationId),
    deliveries.map((delivery) => delivery.channel),
    deliveries.map((delivery) => delivery.target),
    deliveries.map((delivery) => delivery.fence),
  ];
}

/**
 * Queues a delivery that ended without being sent again, on behalf of an operator. Its attempts are kept, and their numbers
 * continue. Returns false if its status does not allow a retry.
 *
 * @param retryFor time in ms, from now, in which attempts are made
 */
export async function retryDelivery(
  pool: pg.Pool,
  tenantId: string,
  id: DeliveryId,
  actor: Actor,
  now: Millis,
  retryFor: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const before = await lockDeliveryState(connection, tenantId, id);
    const { rowCount } = await connection.query(
      `update deliveries
       set status = 'queued', due_at = $4, retry_until = $5, finished_at = null, hold_code = null, dead_letter = null,
           reason_code = 'retried', reason = 'Queued again by hand.'
       where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $6
         and status in ('undeliverable', 'dead', 'in_doubt')`,
      [tenantId, id.notificationId, id.channel, isoTime(now), isoTime(now + retryFor), id.target],
    );
    if (rowCount === 0) return false;
    const subject = formatDeliveryId(id);
    const after = await lockDeliveryState(connection, tenantId, id);
    const entry = { tenantId, actor, action: 'delivery.retried', subject, detail: {}, before, after };
    await appendAuditEntry(connection, entry, now);
    await connection.query('select pg_notify($1, $2)', [DELIVERIES_CHANNEL, '']);
    return true;
  });
}

/**
 * Cancels a queued delivery, on behalf of an operator. Returns false if it is not queued: one that is being sent cannot be
 * cancelled.
 */
export async function cancelDelivery(
  pool: pg.Pool,
  tenantId: string,
  id: DeliveryId,
  actor: Actor,
  now: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const before = await lockDeliveryState(connection, tenantId, id);
    if ((await cancelDeliveries(connection, { tenantId }, [id], now)) === 0) return false;
    const subject = formatDeliveryId(id);
    const after = await lockDeliveryState(connection, tenantId, id);
    const entry = { tenantId, actor, action: 'delivery.cancelled', subject, detail: {}, before, after };
    await appendAuditEntry(connection, entry, now);
    return true;
  });
}

/** Wakes the delivery workers. */
export async function announceDeliveries(pool: pg.Pool): Promise<void> {
  await pool.query('select pg_notify($1, $2)', [DELIVERIES_CHANNEL, '']);
}
