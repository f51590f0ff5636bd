import type pg from 'pg';
import type {
  AttemptOutcomeKind,
  Channel,
  Cost,
  DeadAddressKind,
  DeliveryReasonCode,
  DeliveryStatus,
  FailureScope,
  Fault,
  MessageLocale,
  ShownTemplate,
} from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import type { Suppression } from '../../model/suppression.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { type DeviceChanges, NO_DEVICE_CHANGES, restoreDevices, retireDeadDevices } from '../devices/dead-devices.ts';
import { enqueueOutbox } from '../outbox.ts';
import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { withTransaction } from '../pg/transaction.ts';
import { countEmails, type EmailEnd } from '../receipts/email-standings.ts';
import { insertProviderMessages, type ProviderMessage } from '../receipts/provider-messages.ts';
import { addSuppressions } from '../suppressions.ts';
import { type EndpointNotice, type EndpointResult, recordEndpointResults } from '../webhooks/endpoint-results.ts';
import { type Fact, recordFacts } from '../webhooks/facts.ts';
import { type ClaimHandle, keyColumns } from './claimed-delivery.ts';
import { advanceSteps, type StepResult } from './fallbacks.ts';

/** The result of one attempt, and the next state of its delivery. */
export interface Settlement {
  readonly handle: ClaimHandle;
  readonly tenantId: string;
  readonly notificationId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly fence: number;
  readonly status: Exclude<DeliveryStatus, 'sending' | 'cancelled'>;
  /** When the next attempt is due; null unless the status is `queued`. */
  readonly dueAt: Millis | null;
  readonly reasonCode: DeliveryReasonCode | null;
  readonly reason: string | null;
  /** Fault of a dead letter; absent: its delivery does not become one. */
  readonly fault?: Fault;
  readonly attempt: {
    readonly n: number;
    readonly provider: string;
    /** Account of the tenant; null: that of the installation. */
    readonly account: string | null;
    readonly startedAt: Millis;
    readonly durationMs: number;
    readonly outcome: AttemptOutcomeKind;
    /** Code of the provider. */
    readonly code: string | null;
    readonly reason: string | null;
    readonly response: string | null;
    readonly providerMessageId: string | null;
    /** Thing that a failure concerned; absent: it did not fail for a time. */
    readonly scope?: FailureScope;
    /** Why it went by its account; absent: there was no choice. */
    readonly choice?: string;
    /** Billed parts; absent: one, or not known. */
    readonly parts?: number;
    /** Absent: not known. */
    readonly cost?: Cost;
    /** Locale of the template that it was rendered with, also where the message is not kept; absent: there was no template. */
    readonly locale?: string;
    /** Variant of that template, in a test of variants. */
    readonly variant?: string;
  };
  /** Kind of dead address, as the provider said; absent: it did not call it dead. */
  readonly deadAs?: DeadAddressKind;
  /** Sender of ours that a dead address was written to by (SMS); absent: not known. */
  readonly sentAs?: string;
  /** When the provider learned that the address is dead; absent: it did not say. */
  readonly deadSince?: Millis;
  /**
   * The message to keep, sealed, with its template, the locale of that and of its user, and the mask of its address; null: it is
   * not kept.
   */
  readonly message:
    | ({ readonly sealed: Buffer; readonly toMask: string | null } & Partial<MessageLocale> & ShownTemplate)
    | null;
}

/** Other effects of settlements, committed with them. */
export interface SettlementEffects {
  /** Results of channels that are tried one after the other. */
  readonly steps?: readonly StepResult[];
  /** Messages on which their providers will report. */
  readonly messages?: readonly ProviderMessage[];
  readonly suppressions?: readonly Suppression[];
  /** Results of endpoints of webhooks. */
  readonly endpoints?: readonly EndpointResult[];
  /** Changes of devices, by the answers of their providers. */
  readonly devices?: DeviceChanges;
  /** Emails whose end is known; one that bounced is counted if its settlement takes effect. */
  readonly emails?: readonly EmailEnd[];
}

/** The lifecycle event of a settlement. */
export interface SettledEvent {
  readonly settlement: Settlement;
  readonly fact: Fact;
  /** Receivers: rules, endpoints of webhooks, or both. */
  readonly isHeard: { readonly byRules: boolean; readonly byEndpoints: boolean };
}

/**
 * Writes attempts, messages and new states of many deliveries in one statement. May be repeated: a settlement that was
 * recorded before changes nothing.
 *
 * One that comes after its lease expired, but before the delivery was claimed again, takes effect: it ends the doubt, and its
 * attempt says that there was one. A settlement with an old fence changes the state only by the news that its message was sent:
 * the delivery is sent then, and stays so whatever a later attempt reports. Else only its attempt is recorded, because another
 * worker has claimed the delivery since.
 *
 * @param events lifecycle events of some of the settlements; committed with them, if the settlement took effect
 * @param endpoints attempts at endpoints of webhooks, counted with them
 * @returns endpoints that were disabled, or soon will be
 */
export async function settleDeliveries(
  pool: pg.Pool,
  worker: string,
  settlements: readonly Settlement[],
  now: Millis,
  events: readonly SettledEvent[] = [],
  {
    steps = [],
    messages = [],
    suppressions = [],
    endpoints = [],
    devices = NO_DEVICE_CHANGES,
    emails = [],
  }: SettlementEffects = {},
): Promise<readonly EndpointNotice[]> {
  const isAlone = [events, steps, messages, suppressions, endpoints, devices.retired, devices.restored, emails].every(
    ({ length }) => length === 0,
  );
  if (isAlone) {
    await settleAll(pool, worker, settlements, now);
    return [];
  }
  return withTransaction(pool, async (connection) => {
    const counted = await selectCounted(connection, emails);
    await settleAll(connection, worker, settlements, now);
    await advanceSteps(connection, steps, now);
    await insertProviderMessages(connection, messages);
    await addSuppressions(connection, suppressions, systemActor('deliveries'), now);
    if (devices.retired.length > 0) await retireDeadDevices(connection, devices.retired, now);
    for (const one of devices.restored) await restoreDevices(connection, one);
    const owned = await selectStillOwned(connection, events);
    const pick = (hearers: keyof SettledEvent['isHeard']) =>
      owned.filter(({ isHeard }) => isHeard[hearers]).map(({ fact }) => fact);
    await enqueueOutbox(connection, pick('byRules'), now);
    await recordFacts(connection, pick('byEndpoints'), now);
    const notices = await recordEndpointResults(connection, endpoints, now);
    // Last: these rows are shared.
    await countEmails(connection, counted, now);
    return notices;
  });
}

/** Returns the emails to count: a bounce whose delivery is still held, so that it is counted once, however often it is settled. */
async function selectCounted(connection: Connection, emails: readonly EmailEnd[]): Promise<readonly EmailEnd[]> {
  const settlements = emails.flatMap(({ settlement }) => settlement ?? []);
  if (settlements.length === 0) return emails;
  const { rows } = await connection.query<{ n: string }>({
    name: 'select-held-bounces',
    text: `select d.notification_id || ' ' || d.channel || ' ' || d.target as n
           from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::int[]) with ordinality as r(t, n, c, g, f, i)
           join deliveries as d on d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.target = r.g
             and d.fence = r.f and ${selectivityHint('r.i')}
           where d.status = 'sending' for update of d`,
    values: keyColumns(settlements),
  });
  const held = new Set(rows.map(({ n }) => n));
  return emails.filter(({ settlement: one }) => !one || held.has(`${one.notificationId} ${one.channel} ${one.target}`));
}

/** Packs values that are rare: without any, the statement reads an empty list, which has a null for each row. */
function packIfAny(values: readonly (string | number | null)[]): string {
  return values.some((value) => value !== null) ? packTextArray(values) : '';
}

/** Replaces the separator of `packTextArray` in text that others wrote. */
function stripSeparator(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\x1f', ' ');
}

/**
 * Keeps only the events whose settlement took effect: a delivery that was claimed again by another worker (newer fence)
 * reports its own outcome, unless the earlier attempt turns out to have sent the message.
 */
async function selectStillOwned(connection: Connection, events: readonly SettledEvent[]): Promise<SettledEvent[]> {
  if (events.length === 0) return [];
  const settlements = events.map(({ settlement }) => settlement);
  const { rows } = await connection.query<{ i: number }>({
    name: 'select-still-owned',
    text: `select r.i from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[])
             with ordinality as r(t, n, c, g, f, s, i)
           cross join lateral (
             select from deliveries as d
             where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.target = r.g
               and (d.fence = r.f or r.s = 'sent') and d.status = r.s
             limit 1
           ) as d
           order by r.i`,
    values: [...keyColumns(settlements), settlements.map(({ status }) => status)],
  });
  return rows.map(({ i }) => events[i - 1] as SettledEvent);
}

async function settleAll(
  connection: Connection,
  worker: string,
  settlements: readonly Settlement[],
  now: Millis,
): Promise<void> {
  const accepted = settlements.filter(isAccepted);
  const others = settlements.filter((settlement) => !isAccepted(settlement));
  const recorded = await settle(connection, worker, accepted, others, now);
  // Some were no longer held: all are settled once more by key, as the others are. Those just recorded stay as they are.
  if (recorded < accepted.length) await settle(connection, worker, [], accepted, now);
}

/** Whether the attempt ended the delivery with success: sent or sandboxed. */
function isAccepted({ attempt }: Settlement): boolean {
  return attempt.outcome === 'sent' || attempt.outcome === 'sandboxed';
}

/** Returns how many of `accepted` were recorded: those that the worker still held. */
async function settle(
  connection: Connection,
  worker: string,
  accepted: readonly Settlement[],
  others: readonly Settlement[],
  now: Millis,
): Promise<number> {
  const { rows } = await connection.query<{ sent: number }>({
    name: 'settle-deliveries',
    text: SETTLE,
    values: [
      worker,
      isoTime(now),
      packTextArray(accepted.map((one) => one.handle)),
      packTextArray(accepted.map((one) => one.notificationId)),
      packTextArray(accepted.map((one) => one.channel)),
      packTextArray(accepted.map((one) => one.fence)),
      packTextArray(accepted.map((one) => one.attempt.provider)),
      packTextArray(accepted.map((one) => one.attempt.startedAt)),
      packTextArray(accepted.map((one) => one.attempt.durationMs)),
      packTextArray(accepted.map((one) => stripSeparator(one.attempt.providerMessageId))),
      packTextArray(accepted.map((one) => stripSeparator(one.attempt.response))),
      JSON.stringify(others.map(toAttemptRow)),
      JSON.stringify([...accepted, ...others].flatMap(toMessageRow)),
      packTextArray(accepted.map((one) => one.status)),
      packTextArray(accepted.map((one) => one.target)),
      packTextArray(accepted.map((one) => one.attempt.account)),
      packIfAny(accepted.map(({ attempt }) => stripSeparator(attempt.choice ?? null))),
      packIfAny(accepted.map(({ attempt }) => attempt.parts ?? null)),
      packIfAny(accepted.map(({ attempt }) => attempt.cost?.amount ?? null)),
      packIfAny(accepted.map(({ attempt }) => attempt.cost?.currency ?? null)),
      packIfAny(accepted.map(({ attempt }) => attempt.locale ?? null)),
      packIfAny(accepted.map(({ attempt }) => attempt.variant ?? null)),
    ],
  });
  return Number(rows[0]?.sent);
}

function toAttemptRow({ attempt, ...s }: Settlement) {
  return {
    t: s.tenantId,
    n: s.notificationId,
    c: s.channel,
    g: s.target,
    f: s.fence,
    s: s.status,
    d: isoTimeOrNull(s.dueAt),
    rc: s.reasonCode,
    r: s.reason,
    a: attempt.n,
    p: attempt.provider,
    ac: attempt.account,
    at: isoTime(attempt.startedAt),
    ms: attempt.durationMs,
    o: attempt.outcome,
    co: attempt.code,
    fa: s.fault,
    ar: attempt.reason,
    re: attempt.response,
    id: attempt.providerMessageId,
    sc: attempt.scope,
    ch: attempt.choice,
    pa: attempt.parts,
    cs: attempt.cost?.amount,
    cu: attempt.cost?.currency,
    lo: attempt.locale,
    va: attempt.variant,
  };
}

function toMessageRow({ tenantId, notificationId, channel, target, message }: Settlement) {
  if (!message) return [];
  const { toMask, sealed, locale, userLocale, templateId, templateVersion, testId, variant } = message;
  return [
    {
      t: tenantId,
      n: notificationId,
      c: channel,
      g: target,
      m: toMask,
      s: sealed.toString('base64'),
      l: locale,
      u: userLocale,
      i: templateId,
      v: templateVersion,
      x: testId,
      w: variant,
    },
  ];
}

/** An address became known after the claim that found none (revive.ts). */
const ADDRESS_ADDED = `(o.s = 'undeliverable' and d.reason_code = 'address_added')`;

/**
 * Nearly all attempts succeed: for these the statement updates one row each, found by its ctid, and the attempt stands on
 * the delivery itself. All others are found by key, and their attempt is a row of its own.
 */
const SETTLE = `
with sent as (
  update deliveries as d
  set status = o.s, reason_code = null, reason = null, provider = o.p, account = o.ac, provider_message_id = o.id, response = o.re,
      started_at = to_timestamp(o.at::float8 / 1000), duration_ms = o.ms::int, finished_at = $2,
      choice = o.ch, parts = o.pa::smallint, cost = o.co::numeric, currency = o.cu, locale = o.lo, variant = o.va
  from unnest(${[3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22].map((n) => `string_to_array($${n}, E'\\x1f', '')`)})
    with ordinality as o(row, n, c, f, p, at, ms, id, re, s, g, ac, ch, pa, co, cu, lo, va, i)
  where d.ctid = o.row::tid and d.notification_id = o.n::uuid and d.channel = o.c
    and d.target = coalesce(o.g, '') and d.fence = o.f::int and d.status = 'sending' and ${selectivityHint('o.i')}
  returning d.tenant_id, d.notification_type, d.channel, d.status, d.provider, d.account, d.locale, d.variant, d.catalog_version,
            d.cost, d.currency, d.attempts, d.receipt_state, d.receipt_flags, d.created_at
), counted as (
  -- All others are counted by the trigger deliveries_counted.
  insert into metric_deltas (tenant_id, items)
  select tenant_id, json_agg(json_strip_nulls(json_build_object(
    'minute', floor(extract(epoch from $2::timestamptz) / 60)::int, 'type', notification_type, 'channel', channel, 'provider', provider,
    'account', account, 'locale', locale, 'variant', variant, 'version', catalog_version, 'currency', currency, 'cost', cost,
    status, n, 'confirmable', case when status = 'sent' and confirms_delivery(provider) then n end,
    'delivered', case when status = 'sent' and is_delivered_at_once(provider) then n end, 'attempts', attempts, 'class', class, 'latency_ms', latency_ms)))
  from (
    select tenant_id, notification_type, channel, provider, account, locale, variant, catalog_version, status, latency_class(ms) as class,
           case when cost is not null then currency end as currency, count(*) as n, sum(attempts) as attempts, sum(cost) as cost,
           sum(ms)::bigint as latency_ms
    from (
      select *, greatest(0, round(extract(epoch from $2::timestamptz - created_at) * 1000))::float8 as ms from sent
      where catalog_version is not null and receipt_state is null and receipt_flags is null
    ) as one
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  ) as many
  group by tenant_id
), outcome as (
  select * from json_to_recordset($12) as r(
    t text, n uuid, c text, g text, f int, s text, d timestamptz, rc text, r text,
    a int, p text, ac text, at timestamptz, ms int, o text, co text, fa text, ar text, re text, id text, sc text, ch text, pa smallint, cs numeric, cu text,
    lo text, va text)
), tried as (
  insert into attempts (tenant_id, notification_id, channel, target, attempt, provider, account, worker, started_at, duration_ms,
                        outcome, code, reason, response, provider_message_id, scope, choice, parts, cost, currency)
  select t, n, c, g, a, p, ac, $1, at, ms, o, co, ar, re, id, sc, ch, pa, cs, cu from outcome
  where exists (
    -- Not deleted with its tenant meanwhile, and not recorded by an earlier settlement whose answer was lost.
    select from deliveries as d
    where d.tenant_id = t and d.notification_id = n and d.channel = c and d.target = g
      and (d.fence <> f or d.started_at is null))
  on conflict (tenant_id, notification_id, channel, target, attempt) do update
  set provider = excluded.provider, account = excluded.account, outcome = excluded.outcome, code = excluded.code, response = excluded.response,
      duration_ms = excluded.duration_ms, provider_message_id = excluded.provider_message_id, scope = excluded.scope, choice = excluded.choice,
      parts = excluded.parts, cost = excluded.cost, currency = excluded.currency,
      reason = case
        when attempts.outcome = 'in_doubt' and excluded.outcome <> 'in_doubt'
        then concat_ws('; ', excluded.reason,
                       'it was in doubt until ' || to_char($2::timestamptz, 'YYYY-MM-DD HH24:MI:SS') || ' UTC')
        else coalesce(excluded.reason, attempts.reason) end
), kept as (
  insert into messages (tenant_id, notification_id, channel, target, to_mask, sealed, rendered_at, locale, user_locale,
                        template_id, template_version, test_id, variant)
  select t, n, c, g, m, decode(s, 'base64'), $2, l, u, i, v, x, w
  from json_to_recordset($13) as r(t text, n uuid, c text, g text, m text, s text, l text, u text, i uuid, v int, x uuid, w text)
  where exists (
    select from deliveries as d
    where d.tenant_id = t and d.notification_id = n and d.channel = c and d.target = g)
  on conflict (tenant_id, notification_id, channel, target) do update
  set to_mask = excluded.to_mask, sealed = excluded.sealed, rendered_at = excluded.rendered_at,
      locale = excluded.locale, user_locale = excluded.user_locale, template_id = excluded.template_id,
      template_version = excluded.template_version, test_id = excluded.test_id, variant = excluded.variant
), overtaken as (
  -- Claimed again: the later attempt is under way while the earlier one turns out to have sent the message.
  select d.tenant_id, d.notification_id, d.channel, d.target, d.attempts, d.worker, d.claimed_at, d.send_started,
         case when d.account_fence = d.fence then d.provider end as sender, d.account
  from outcome as o join deliveries as d
    on d.tenant_id = o.t and d.notification_id = o.n and d.channel = o.c and d.target = o.g and ${selectivityHint('o.a')}
  where o.s = 'sent' and d.fence <> o.f and d.status = 'sending'
  for update of d
), noted as (
  -- Its own settlement says what became of it, if there will be one.
  insert into attempts (tenant_id, notification_id, channel, target, attempt, provider, account, worker, started_at, duration_ms, outcome, reason)
  select tenant_id, notification_id, channel, target, attempts, coalesce(sender, 'unknown'), case when sender is not null then account end,
         worker, claimed_at, least(2147483647, greatest(0, extract(epoch from $2::timestamptz - claimed_at) * 1000))::int,
         case when send_started then 'in_doubt' else 'retry' end, 'an earlier attempt turned out to have sent the message'
  from overtaken
  on conflict do nothing
), ended as (
  update deliveries as d
  set status = case when ${ADDRESS_ADDED} then 'queued' else o.s end,
      due_at = case when ${ADDRESS_ADDED} then $2 else coalesce(o.d, due_at) end,
      dead_letter = case when ${ADDRESS_ADDED} then null else dead_letter_group(o.fa, d.channel, o.p, o.ac, o.rc, o.co) end,
      reason_code = case when ${ADDRESS_ADDED} then 'address_known' else o.rc end,
      reason = case when ${ADDRESS_ADDED} then d.reason else o.r end, hold_code = null,
      provider = o.p, account = o.ac, provider_message_id = coalesce(o.id, d.provider_message_id),
      locale = coalesce(o.lo, d.locale), variant = coalesce(o.va, d.variant),
      finished_at = case when o.s = 'queued' or ${ADDRESS_ADDED} then null else $2::timestamptz end
  from outcome as o
  where d.tenant_id = o.t and d.notification_id = o.n and d.channel = o.c and d.target = o.g and ${selectivityHint('o.a')}
    and (d.fence = o.f and d.status in ('sending', 'queued', 'in_doubt', 'cancelled')
           -- A delivery that was queued again or cancelled since is changed only by the news that it was sent.
           and (d.status <> 'queued' or coalesce(d.reason_code, '') not in ('retried', 'address_known') or o.s in ('sent', 'sandboxed'))
           and (d.status <> 'cancelled' or o.s in ('sent', 'sandboxed'))
         -- An earlier attempt sent it, whatever became of it since: queued, claimed again, failed or cancelled.
         or d.fence <> o.f and o.s = 'sent' and d.status not in ('sent', 'sandboxed'))
    and (select count(*) from overtaken) >= 0
)
select count(*) as sent from sent`;
