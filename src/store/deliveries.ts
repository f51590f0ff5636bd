import type pg from 'pg';
import type { Channel, DeliveryReasonCode, DeliveryStatus, InDoubtPolicy, Message } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { appendAuditEntry } from './audit-log.ts';
import { enqueueOutbox, type OutboxEvent } from './outbox.ts';
import { type Connection, withTransaction } from './pg/database.ts';
import { packTextArray } from './pg/params.ts';

/** Heard by workers when there is something to deliver. */
export const DELIVERIES_CHANNEL = 'tidings_deliveries';

export interface DeliveryId {
  readonly notificationId: string;
  readonly channel: string;
}

/** A delivery that a worker holds. */
export interface ClaimedDelivery {
  /** The lease it is held under; see `renewLeases`. */
  readonly lease: string;
  /** Where its row stands (ctid), so that the settlement need not search; `markHandedOver` moves it. */
  row: string;
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
  readonly row: string;
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
export interface ChannelCapacity {
  readonly channel: Channel;
  readonly room: number;
}

/**
 * Takes due deliveries under this lease, the oldest of each channel; it runs out after `length` unless it is renewed.
 * Several workers never take the same one. A claim counts as an attempt: should the worker die now, the lease tells.
 * Should this throw, the claim may have been made all the same: give that lease up, and claim under another.
 */
export async function claimDeliveries(
  pool: pg.Pool,
  lease: string,
  rooms: readonly ChannelCapacity[],
  now: Millis,
  length: Millis,
): Promise<ClaimedDelivery[]> {
  const { rows } = await pool.query<ClaimedRow>({
    name: 'claim-deliveries',
    text: CLAIM,
    rowMode: 'array',
    values: [lease, isoTime(now), length, rooms.map((r) => r.channel), rooms.map((r) => r.room)],
  });
  return rows.map((row) => ({
    lease,
    tenantId: row[0],
    notificationId: row[1],
    channel: row[2],
    userId: row[3],
    notificationType: row[4],
    attempt: row[5],
    fence: row[6],
    giveUpAt: row[7],
    inDoubt: row[8],
    catalogVersion: row[9],
    activeCatalog: row[10] ?? row[9],
    data: row[11],
    locale: localeOf(row[11]),
    address: row[12] === null ? null : { sealed: row[12], mask: row[13] },
    row: row[14],
  }));
}

type ClaimedRow = [
  tenantId: string,
  notificationId: string,
  channel: Channel,
  userId: string,
  notificationType: string,
  attempt: number,
  fence: number,
  giveUpAt: Millis,
  inDoubt: InDoubtPolicy,
  catalogVersion: number,
  activeCatalog: number | null,
  data: JsonObject,
  sealed: Buffer | null,
  mask: string,
  row: string,
];

// `finished_at is null` names the index; what is being sent stands in it too. An empty claim writes nothing.
const CLAIM = `
with due as (
  select q.*, want.room from unnest($4::text[], $5::int[]) as want(channel, room)
  cross join lateral (
    select ctid as row, tableoid, tenant_id, notification_id, channel, user_id from deliveries
    where finished_at is null and status = 'queued' and deliveries.channel = want.channel and due_at <= $2
    order by due_at limit want.room
    for update skip locked
  ) as q
), held as (
  ${renew(`select $1, ${leaseExpiry('$3')} where exists (select from due)`)}
)
update deliveries as d
set status = 'sending', worker = $1, claimed_at = $2, fence = d.fence + 1, attempts = d.attempts + 1,
    send_started = d.in_doubt_policy = 'resend'
from due
join notifications as n using (tenant_id, user_id, notification_id)
left join active_catalogs as k on k.tenant_id = due.tenant_id
left join addresses as a on a.tenant_id = due.tenant_id and a.user_id = due.user_id
  and a.kind = case due.channel when 'email' then 'email' when 'sms' then 'phone' end
where d.ctid = due.row and d.tableoid = due.tableoid and d.notification_id = due.notification_id
  and ${selectivityHint('due.room')}
returning d.tenant_id, d.notification_id, d.channel, d.user_id, d.notification_type, d.attempts, d.fence, d.give_up_at,
          d.in_doubt_policy, n.catalog_version, k.version, n.data, a.sealed, a.mask, d.ctid`;

/**
 * Right before a send that must not happen twice (in_doubt: hold): from here on a crash leaves it in doubt. A type that
 * is simply sent again does not pay for this; its claim says so from the start. False: the lease was lost.
 */
export async function markSendStarted(pool: pg.Pool, delivery: ClaimedDelivery): Promise<boolean> {
  const { rows } = await pool.query<{ row: string }>({
    name: 'mark-send-started',
    text: `update deliveries set send_started = true
           where tenant_id = $1 and notification_id = $2 and channel = $3 and fence = $4 and status = 'sending'
           returning ctid as row`,
    values: [delivery.tenantId, delivery.notificationId, delivery.channel, delivery.fence],
  });
  if (!rows[0]) return false;
  delivery.row = rows[0].row;
  return true;
}

/**
 * Writes attempts, messages and new states of many deliveries in one statement. A settlement whose fence is old changes
 * no state (another worker owns the delivery by now), but its attempt is kept: it did happen. One that comes after its
 * lease ran out but before anybody claimed the delivery again still counts: it ends the doubt, and its attempt says that
 * there was one.
 *
 * @param events what became of some of them, for rules that listen to it: committed with them, where it did become so
 */
export async function settleDeliveries(
  pool: pg.Pool,
  worker: string,
  settlements: readonly Settlement[],
  now: Millis,
  events: readonly SettledEvent[] = [],
): Promise<void> {
  if (events.length === 0) return settleAll(pool, worker, settlements, now);
  await withTransaction(pool, async (connection) => {
    await settleAll(connection, worker, settlements, now);
    await enqueueOutbox(connection, await selectStillOwned(connection, events), now);
  });
}

/** What others wrote, fit to be an element of `list`. */
function stripSeparator(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\x1f', ' ');
}

/** What a settlement comes to, as an event. */
export interface SettledEvent {
  readonly settlement: Settlement;
  readonly event: OutboxEvent;
}

/** Of a delivery that another worker has by now, it is for that one to say what became of it. */
async function selectStillOwned(connection: Connection, events: readonly SettledEvent[]): Promise<OutboxEvent[]> {
  const settlements = events.map(({ settlement }) => settlement);
  const { rows } = await connection.query<{ i: number }>({
    name: 'select-still-owned',
    text: `select r.i from unnest($1::text[], $2::uuid[], $3::text[], $4::int[], $5::text[])
             with ordinality as r(t, n, c, f, s, i)
           cross join lateral (
             select from deliveries as d
             where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.fence = r.f and d.status = r.s
             limit 1
           ) as d
           order by r.i`,
    values: [...columns(settlements), settlements.map(({ status }) => status)],
  });
  return rows.map(({ i }) => (events[i - 1] as SettledEvent).event);
}

async function settleAll(
  connection: Connection,
  worker: string,
  settlements: readonly Settlement[],
  now: Millis,
): Promise<void> {
  const delivered = settlements.filter(({ attempt }) => attempt.outcome === 'delivered');
  const others = settlements.filter(({ attempt }) => attempt.outcome !== 'delivered');
  const sent = await settle(connection, worker, delivered, others, now);
  // Some were not held any more: all are looked at again, as the others are. What was recorded just now stays as it is.
  if (sent < delivered.length) await settle(connection, worker, [], delivered, now);
}

/** @returns how many of those `delivered` were recorded: all that the worker still held */
async function settle(
  connection: Connection,
  worker: string,
  delivered: readonly Settlement[],
  others: readonly Settlement[],
  now: Millis,
): Promise<number> {
  const { rows } = await connection.query<{ sent: number }>({
    name: 'settle-deliveries',
    text: SETTLE,
    values: [
      worker,
      isoTime(now),
      packTextArray(delivered.map((one) => one.row)),
      packTextArray(delivered.map((one) => one.notificationId)),
      packTextArray(delivered.map((one) => one.channel)),
      packTextArray(delivered.map((one) => one.fence)),
      packTextArray(delivered.map((one) => one.attempt.provider)),
      packTextArray(delivered.map((one) => one.attempt.startedAt)),
      packTextArray(delivered.map((one) => one.attempt.durationMs)),
      packTextArray(delivered.map((one) => stripSeparator(one.attempt.providerMessageId))),
      packTextArray(delivered.map((one) => stripSeparator(one.attempt.response))),
      JSON.stringify(others.map(attemptRow)),
      JSON.stringify([...delivered, ...others].flatMap(messageRow)),
    ],
  });
  return Number(rows[0]?.sent);
}

function attemptRow({ attempt, ...s }: Settlement) {
  return {
    t: s.tenantId,
    n: s.notificationId,
    c: s.channel,
    f: s.fence,
    s: s.status,
    d: s.dueAt === null ? null : isoTime(s.dueAt),
    rc: s.reasonCode,
    r: s.reason,
    a: attempt.n,
    p: attempt.provider,
    at: isoTime(attempt.startedAt),
    ms: attempt.durationMs,
    o: attempt.outcome,
    ar: attempt.reason,
    re: attempt.response,
    id: attempt.providerMessageId,
  };
}

function messageRow({ tenantId, notificationId, channel, message }: Settlement) {
  if (!message) return [];
  const { toMask, subject, text, html } = message;
  return [{ t: tenantId, n: notificationId, c: channel, m: toMask, s: subject, x: text, h: html }];
}

/**
 * What was delivered, nearly all, is one update each of a row whose place is known, and its attempt stands on the delivery.
 * All else is found by its key, and its attempt is a row of its own.
 */
const SETTLE = `
with sent as (
  update deliveries as d
  set status = 'sent', reason_code = null, reason = null, provider = o.p, provider_message_id = o.id, response = o.re,
      started_at = to_timestamp(o.at::float8 / 1000), duration_ms = o.ms::int, finished_at = $2
  from unnest(${[3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => `string_to_array($${n}, E'\\x1f', '')`)})
    with ordinality as o(row, n, c, f, p, at, ms, id, re, i)
  where d.ctid = o.row::tid and d.notification_id = o.n::uuid and d.channel = o.c and d.fence = o.f::int
    and d.status = 'sending' and ${selectivityHint('o.i')}
  returning 1
), outcome as (
  select * from json_to_recordset($12) as r(
    t text, n uuid, c text, f int, s text, d timestamptz, rc text, r text,
    a int, p text, at timestamptz, ms int, o text, ar text, re text, id text)
), tried as (
  insert into attempts (tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms,
                        outcome, reason, response, provider_message_id)
  select t, n, c, a, p, $1, at, ms, o, ar, re, id from outcome
  where not exists (
    -- Recorded by a settlement whose answer got lost.
    select from deliveries as d
    where d.tenant_id = t and d.notification_id = n and d.channel = c and d.fence = f and d.started_at is not null)
  on conflict (tenant_id, notification_id, channel, attempt) do update
  set provider = excluded.provider, outcome = excluded.outcome, response = excluded.response,
      duration_ms = excluded.duration_ms, provider_message_id = excluded.provider_message_id,
      reason = case
        when attempts.outcome = 'in_doubt' and excluded.outcome <> 'in_doubt'
        then concat_ws('; ', excluded.reason,
                       'it was in doubt until ' || to_char($2::timestamptz, 'YYYY-MM-DD HH24:MI:SS') || ' UTC')
        else coalesce(excluded.reason, attempts.reason) end
), kept as (
  insert into messages (tenant_id, notification_id, channel, to_mask, subject, text, html, rendered_at)
  select t, n, c, m, s, x, h, $2
  from json_to_recordset($13) as r(t text, n uuid, c text, m text, s text, x text, h text)
  on conflict (tenant_id, notification_id, channel) do update
  set to_mask = excluded.to_mask, subject = excluded.subject, text = excluded.text, html = excluded.html,
      rendered_at = excluded.rendered_at
), ended as (
  update deliveries as d
  set status = o.s, due_at = coalesce(o.d, due_at), reason_code = o.rc, reason = o.r,
      provider = o.p, provider_message_id = coalesce(o.id, d.provider_message_id),
      finished_at = case when o.s = 'queued' then null else $2::timestamptz end
  from outcome as o
  where d.tenant_id = o.t and d.notification_id = o.n and d.channel = o.c and d.fence = o.f
    and d.status in ('sending', 'queued', 'in_doubt') and ${selectivityHint('o.a')}
    -- Ended, and queued again by hand before this was said once more: only that it went out is news.
    and (d.status <> 'queued' or d.reason_code is distinct from 'retried' or o.s = 'sent')
)
select count(*) as sent from sent`;

/** Gives back what was claimed but not begun (shutdown): no attempt was made. */
export async function releaseDeliveries(pool: pg.Pool, deliveries: readonly ClaimedDelivery[]): Promise<void> {
  await pool.query({
    name: 'release-deliveries',
    text: `update deliveries as d
           set status = 'queued', attempts = attempts - 1
           from unnest($1::text[], $2::uuid[], $3::text[], $4::int[]) as r(t, n, c, f)
           where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.fence = r.f
             and d.status = 'sending' and ${selectivityHint('r.f')}`,
    values: columns(deliveries),
  });
}

/**
 * The heartbeat: all that is held under these leases stays so. A lease is one row, however many deliveries it holds, and
 * the name of it is on each of them.
 */
export async function renewLeases(pool: pg.Pool, leases: readonly string[], length: Millis): Promise<void> {
  await pool.query({
    name: 'renew-leases',
    text: renew(`select lease, ${leaseExpiry('$2')} from unnest($1::text[]) as lease`),
    values: [leases, length],
  });
}

/** @param leases a query for the name and the new end of each */
function renew(leases: string): string {
  return `insert into leases (worker, lease_until) ${leases}
  on conflict (worker) do update set lease_until = excluded.lease_until`;
}

/**
 * Written and judged by the clock of the database: were it each worker's own, one whose clock is fast would take over what
 * another is sending.
 */
function leaseExpiry(length: string): string {
  return `clock_timestamp() + ${length}::float8 * interval '1 ms'`;
}

/**
 * Deliveries whose worker went silent. One that may have reached its provider gets an attempt in doubt, and is sent again
 * or held as its notification type says; one that cannot have is simply queued again. Returns how many.
 */
export async function rescueExpired(pool: pg.Pool, now: Millis): Promise<number> {
  const { rows } = await pool.query<{ recovered: number }>({
    name: 'rescue-expired',
    text: RECOVER,
    values: [isoTime(now)],
  });
  return Number(rows[0]?.recovered ?? 0);
}

// Lateral, so that nobody looks through the queue as long as no lease has run out. The rows are waited for, not passed
// over: with its lease gone nobody would look for them again.
const RECOVER = `
with silent as (
  select worker from leases where lease_until < clock_timestamp() for update skip locked
), lost as (
  select q.* from silent
  cross join lateral (
    select tenant_id, notification_id, channel, worker, claimed_at, attempts, send_started, in_doubt_policy
    from deliveries where finished_at is null and status = 'sending' and worker = silent.worker
    limit 1000000
    for update
  ) as q
), gone as (
  delete from leases using silent where leases.worker = silent.worker
), doubted as (
  insert into attempts (tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms, outcome, reason)
  select tenant_id, notification_id, channel, attempts, 'unknown', worker, claimed_at,
         least(2147483647, greatest(0, extract(epoch from $1::timestamptz - claimed_at) * 1000))::int, 'in_doubt',
         'the worker stopped before it could record what the provider answered'
  from lost where send_started
  on conflict do nothing
), freed as (
  update deliveries as d
  set status = case when l.send_started and l.in_doubt_policy = 'hold' then 'in_doubt' else 'queued' end,
      due_at = $1,
      attempts = case when l.send_started then d.attempts else d.attempts - 1 end,
      reason_code = case when l.send_started then 'in_doubt' end,
      reason = case when not l.send_started then null
                    when l.in_doubt_policy = 'hold'
                    then 'A worker stopped while sending: it may have gone out. Held, as this notification type says; retry it by hand.'
                    else 'A worker stopped while sending: it may have gone out. Sent again, as this notification type says.' end,
      finished_at = case when l.send_started and l.in_doubt_policy = 'hold' then $1::timestamptz end
  from lost as l
  where d.tenant_id = l.tenant_id and d.notification_id = l.notification_id and d.channel = l.channel
    and ${selectivityHint('l.attempts')}
  returning 1
)
select count(*) as recovered from freed`;

/** When the next delivery of these channels is due; null: none is queued. */
export async function loadNextDueDelivery(pool: pg.Pool, channels: readonly Channel[]): Promise<Millis | null> {
  const { rows } = await pool.query<{ due: Millis | null }>({
    name: 'next-due',
    text: `select min(q.due_at) as due from unnest($1::text[]) as want(channel)
           cross join lateral (
             select due_at from deliveries
             where finished_at is null and status = 'queued' and deliveries.channel = want.channel
             order by due_at limit 1
           ) as q`,
    values: [channels],
  });
  return rows[0]?.due ?? null;
}

function columns(
  deliveries: readonly Pick<ClaimedDelivery, 'tenantId' | 'notificationId' | 'channel' | 'fence'>[],
): unknown[] {
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

/**
 * Always true, and the planner takes it for rare: so it goes from these rows to the table by its key, never from all of
 * a table, which happens to be small when the statement is planned, to these rows.
 * @param number an integer column of what is joined to the table
 */
function selectivityHint(number: string): string {
  return `${number} = ${number} + 0`;
}

/**
 * Queues a stopped delivery again. False: it is in no state to be retried. Its attempts stay, and their numbers go on.
 * @param patience how long it is tried from now on
 */
export async function retryDelivery(
  pool: pg.Pool,
  tenantId: string,
  id: DeliveryId,
  actor: string,
  now: Millis,
  patience: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const { rowCount } = await connection.query(
      `update deliveries
       set status = 'queued', due_at = $4, give_up_at = $5, finished_at = null,
           reason_code = 'retried', reason = 'Queued again by hand.'
       where tenant_id = $1 and notification_id = $2 and channel = $3 and status in ('undeliverable', 'dead', 'in_doubt')`,
      [tenantId, id.notificationId, id.channel, isoTime(now), isoTime(now + patience)],
    );
    if (rowCount === 0) return false;
    const subject = `${id.notificationId}.${id.channel}`;
    await appendAuditEntry(connection, { tenantId, actor, action: 'delivery.retried', subject, detail: {} }, now);
    await connection.query('select pg_notify($1, $2)', [DELIVERIES_CHANNEL, '']);
    return true;
  });
}
