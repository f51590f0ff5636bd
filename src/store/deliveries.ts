import type pg from 'pg';
import type {
  Channel,
  DeliveryReasonCode,
  DeliveryStatus,
  InDoubtPolicy,
  JsonObject,
  Message,
  Millis,
} from '../model.ts';
import { timestamp } from './database.ts';

/** A delivery that this worker holds the lease of. */
export interface ClaimedDelivery {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly channel: Channel;
  readonly userId: string;
  readonly notificationType: string;
  /** The catalog it was decided with, and the one in force now. */
  readonly catalogVersion: number;
  readonly activeCatalog: number;
  readonly data: JsonObject;
  readonly locale: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly fence: number;
  readonly giveUpAt: Millis;
  readonly inDoubt: InDoubtPolicy;
  readonly address: { readonly sealed: Buffer; readonly mask: string } | null;
}

/** How one attempt ended, and what becomes of its delivery. */
export interface Settlement {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly channel: Channel;
  readonly fence: number;
  readonly status: Exclude<DeliveryStatus, 'sending' | 'cancelled'>;
  /** For `queued`: when it is tried again. */
  readonly dueAt: Millis | null;
  readonly reasonCode: DeliveryReasonCode | null;
  readonly reason: string | null;
  readonly attempt: {
    readonly n: number;
    readonly provider: string;
    readonly startedAt: Millis;
    readonly durationMs: number;
    readonly outcome: 'delivered' | 'retry' | 'rejected' | 'in_doubt' | 'undeliverable';
    readonly reason: string | null;
    readonly response: string | null;
    readonly providerMessageId: string | null;
  };
  readonly message: (Message & { readonly toMask: string | null }) | null;
}

/** How many deliveries of a channel a worker has room for. */
export interface Room {
  readonly channel: Channel;
  readonly room: number;
}

/**
 * Takes due deliveries for this worker until `leaseUntil`, the oldest of each channel. Several workers never take the
 * same one. A claim counts as an attempt: should the worker die now, the lease tells.
 */
export async function claimDeliveries(
  pool: pg.Pool,
  worker: string,
  rooms: readonly Room[],
  now: Millis,
  leaseUntil: Millis,
): Promise<ClaimedDelivery[]> {
  const { rows } = await pool.query({
    name: 'claim-deliveries',
    text: CLAIM,
    values: [worker, timestamp(now), timestamp(leaseUntil), rooms.map((r) => r.channel), rooms.map((r) => r.room)],
  });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    notificationId: row.notification_id,
    channel: row.channel,
    userId: row.user_id,
    notificationType: row.notification_type,
    catalogVersion: row.catalog_version,
    activeCatalog: row.active_catalog ?? row.catalog_version,
    data: row.data,
    locale: localeOf(row.data),
    attempt: row.attempts,
    fence: row.fence,
    giveUpAt: row.give_up_at,
    inDoubt: row.in_doubt_policy,
    address: row.sealed === null ? null : { sealed: row.sealed, mask: row.mask },
  }));
}

const CLAIM = `
with due as (
  select q.* from unnest($4::text[], $5::int[]) as want(channel, room)
  cross join lateral (
    select tenant_id, notification_id, channel from deliveries
    where status = 'queued' and deliveries.channel = want.channel and due_at <= $2
    order by due_at limit want.room
    for update skip locked
  ) as q
), claimed as (
  update deliveries as d
  set status = 'sending', worker = $1, claimed_at = $2, lease_until = $3, fence = fence + 1, attempts = attempts + 1,
      handed_over = d.in_doubt_policy = 'resend'
  from due
  where d.tenant_id = due.tenant_id and d.notification_id = due.notification_id and d.channel = due.channel
  returning d.*
)
select c.tenant_id, c.notification_id, c.channel, c.user_id, c.notification_type, c.attempts, c.fence, c.give_up_at,
       c.in_doubt_policy, n.catalog_version, k.version as active_catalog, n.data, a.sealed, a.mask
from claimed as c
join notifications as n using (tenant_id, user_id, notification_id)
left join active_catalogs as k on k.tenant_id = c.tenant_id
left join addresses as a on a.tenant_id = c.tenant_id and a.user_id = c.user_id
  and a.kind = case c.channel when 'email' then 'email' when 'sms' then 'phone' end`;

/**
 * Right before a send that must not happen twice (in_doubt: hold): from here on a crash leaves it in doubt. A type that
 * is simply sent again does not pay for this; its claim says so from the start. False: the lease was lost.
 */
export async function markHandedOver(pool: pg.Pool, delivery: ClaimedDelivery): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'mark-handed-over',
    text: `update deliveries set handed_over = true
           where tenant_id = $1 and notification_id = $2 and channel = $3 and fence = $4 and status = 'sending'`,
    values: [delivery.tenantId, delivery.notificationId, delivery.channel, delivery.fence],
  });
  return rowCount === 1;
}

/**
 * Writes attempts, messages and new states of many deliveries in one statement. A settlement whose fence is old changes
 * no state (another worker owns the delivery by now), but its attempt is kept: it did happen. One that comes after its
 * lease ran out but before anybody claimed the delivery again still counts: it ends the doubt.
 */
export async function settleDeliveries(
  pool: pg.Pool,
  worker: string,
  settlements: readonly Settlement[],
  now: Millis,
): Promise<void> {
  await pool.query({
    name: 'settle-deliveries',
    text: SETTLE,
    values: [
      worker,
      timestamp(now),
      JSON.stringify(
        settlements.map(({ attempt, message, ...s }) => ({
          t: s.tenantId,
          n: s.notificationId,
          c: s.channel,
          f: s.fence,
          s: s.status,
          d: s.dueAt === null ? null : timestamp(s.dueAt),
          rc: s.reasonCode,
          r: s.reason,
          a: attempt.n,
          p: attempt.provider,
          at: timestamp(attempt.startedAt),
          ms: attempt.durationMs,
          o: attempt.outcome,
          ar: attempt.reason,
          re: attempt.response,
          id: attempt.providerMessageId,
        })),
      ),
      JSON.stringify(
        settlements.flatMap(({ message, tenantId, notificationId, channel }) =>
          message
            ? [
                {
                  t: tenantId,
                  n: notificationId,
                  c: channel,
                  m: message.toMask,
                  s: message.subject,
                  x: message.text,
                  h: message.html,
                },
              ]
            : [],
        ),
      ),
    ],
  });
}

const SETTLE = `
with outcome as (
  select * from json_to_recordset($3) as r(
    t text, n uuid, c text, f int, s text, d timestamptz, rc text, r text,
    a int, p text, at timestamptz, ms int, o text, ar text, re text, id text)
), tried as (
  insert into attempts (tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms,
                        outcome, reason, response, provider_message_id)
  select t, n, c, a, p, $1, at, ms, o, ar, re, id from outcome
  on conflict (tenant_id, notification_id, channel, attempt) do update
  set provider = excluded.provider, outcome = excluded.outcome, reason = excluded.reason, response = excluded.response,
      duration_ms = excluded.duration_ms, provider_message_id = excluded.provider_message_id
), kept as (
  insert into messages (tenant_id, notification_id, channel, to_mask, subject, text, html, rendered_at)
  select t, n, c, m, s, x, h, $2
  from json_to_recordset($4) as r(t text, n uuid, c text, m text, s text, x text, h text)
  on conflict (tenant_id, notification_id, channel) do update
  set to_mask = excluded.to_mask, subject = excluded.subject, text = excluded.text, html = excluded.html,
      rendered_at = excluded.rendered_at
)
update deliveries as d
set status = o.s, due_at = coalesce(o.d, due_at), lease_until = null, reason_code = o.rc, reason = o.r,
    provider = o.p, provider_message_id = coalesce(o.id, d.provider_message_id),
    finished_at = case when o.s = 'queued' then null else $2::timestamptz end
from outcome as o
where d.tenant_id = o.t and d.notification_id = o.n and d.channel = o.c and d.fence = o.f
  and d.status in ('sending', 'queued', 'in_doubt')`;

/** Gives back what was claimed but not begun (shutdown): no attempt was made. */
export async function releaseDeliveries(pool: pg.Pool, deliveries: readonly ClaimedDelivery[]): Promise<void> {
  await pool.query({
    name: 'release-deliveries',
    text: `update deliveries as d
           set status = 'queued', lease_until = null, attempts = attempts - 1
           from unnest($1::text[], $2::uuid[], $3::text[], $4::int[]) as r(t, n, c, f)
           where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.fence = r.f
             and d.status = 'sending'`,
    values: columns(deliveries),
  });
}

/** The heartbeat: what is still being sent stays ours. */
export async function renewLeases(
  pool: pg.Pool,
  deliveries: readonly ClaimedDelivery[],
  leaseUntil: Millis,
): Promise<void> {
  await pool.query({
    name: 'renew-leases',
    text: `update deliveries as d set lease_until = $5
           from unnest($1::text[], $2::uuid[], $3::text[], $4::int[]) as r(t, n, c, f)
           where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.fence = r.f
             and d.status = 'sending'`,
    values: [...columns(deliveries), timestamp(leaseUntil)],
  });
}

/**
 * Deliveries whose worker went silent. One that may have reached its provider gets an attempt in doubt, and is sent again
 * or held as its notification type says; one that cannot have is simply queued again. Returns how many.
 */
export async function recoverExpired(pool: pg.Pool, now: Millis): Promise<number> {
  const { rows } = await pool.query<{ recovered: number }>({
    name: 'recover-expired',
    text: RECOVER,
    values: [timestamp(now)],
  });
  return Number(rows[0]?.recovered ?? 0);
}

const RECOVER = `
with lost as (
  select tenant_id, notification_id, channel, worker, claimed_at, attempts, handed_over, in_doubt_policy
  from deliveries where status = 'sending' and lease_until < $1
  order by lease_until limit 1000
  for update skip locked
), doubted as (
  insert into attempts (tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms, outcome, reason)
  select tenant_id, notification_id, channel, attempts, 'unknown', worker, claimed_at,
         least(2147483647, extract(epoch from $1::timestamptz - claimed_at) * 1000)::int, 'in_doubt',
         'the worker stopped before it could record what the provider answered'
  from lost where handed_over
  on conflict do nothing
), freed as (
  update deliveries as d
  set status = case when l.handed_over and l.in_doubt_policy = 'hold' then 'in_doubt' else 'queued' end,
      due_at = $1,
      attempts = case when l.handed_over then d.attempts else d.attempts - 1 end,
      lease_until = null,
      reason_code = case when l.handed_over then 'in_doubt' end,
      reason = case when not l.handed_over then null
                    when l.in_doubt_policy = 'hold'
                    then 'A worker stopped while sending: it may have gone out. Held, as this notification type says; retry it by hand.'
                    else 'A worker stopped while sending: it may have gone out. Sent again, as this notification type says.' end,
      finished_at = case when l.handed_over and l.in_doubt_policy = 'hold' then $1::timestamptz end
  from lost as l
  where d.tenant_id = l.tenant_id and d.notification_id = l.notification_id and d.channel = l.channel
  returning 1
)
select count(*) as recovered from freed`;

/** When the next delivery of these channels is due; null: none is queued. */
export async function nextDue(pool: pg.Pool, channels: readonly Channel[]): Promise<Millis | null> {
  const { rows } = await pool.query<{ due: Millis | null }>({
    name: 'next-due',
    text: `select min(q.due_at) as due from unnest($1::text[]) as want(channel)
           cross join lateral (
             select due_at from deliveries where status = 'queued' and deliveries.channel = want.channel
             order by due_at limit 1
           ) as q`,
    values: [channels],
  });
  return rows[0]?.due ?? null;
}

function columns(deliveries: readonly ClaimedDelivery[]): unknown[] {
  return [
    deliveries.map((delivery) => delivery.tenantId),
    deliveries.map((delivery) => delivery.notificationId),
    deliveries.map((delivery) => delivery.channel),
    deliveries.map((delivery) => delivery.fence),
  ];
}

function localeOf(data: JsonObject): string {
  const user = data.user as JsonObject | undefined;
  return typeof user?.locale === 'string' ? user.locale : 'en';
}
