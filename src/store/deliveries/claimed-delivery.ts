import type pg from 'pg';
import type { Category } from '../../model/catalog.ts';
import type { Channel, InDoubtPolicy } from '../../model/delivery.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Verdict } from '../../model/plan.ts';
import type { RateWindow } from '../../model/rate-limit.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import type { StoredPlanUser } from '../terms.ts';
import { MAX_STEPS, WAITS_FOR_TURN } from './fallbacks.ts';

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
  /** The catalog version that decided it, and the one that is active for its user. */
  readonly catalogVersion: number;
  readonly activeCatalog: number;
  /** Events about outcomes, such as `notification.failed`, that endpoints of webhooks subscribe to; null: none. */
  readonly heardOutcomes: readonly string[] | null;
  /** Its place among what endpoints of webhooks receive about its user; null: it goes to none. */
  readonly sequence: number | null;
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
  /** The windows of limits, by id, of which the claim took a token for it that is not given back. Absent: it took none. */
  readonly taken?: Map<string, RateWindow>;
  /** When they were taken, by the monotonic clock. */
  readonly claimedAt?: Millis;
  /** Whether users of its tenant have terms. */
  readonly hasTerms: boolean;
  /** Account that made an earlier attempt; null: none, or that of the installation. */
  readonly lastAccount: string | null;
}

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

/**
 * Marks that the send by an account starts, right before it: after a crash from here on the delivery is in doubt, and its next
 * attempt knows by which account this one was made. Types with `in_doubt: resend` save this statement where there was no choice of
 * account; their claim marks them from the start.
 * Returns false if the lease was lost: the message must not be sent.
 */
export async function markSendStarted(
  pool: pg.Pool,
  delivery: ClaimedDelivery,
  { name, account }: { readonly name: string; readonly account?: string | undefined },
): Promise<boolean> {
  const { rows } = await pool.query<{ handle: ClaimHandle }>({
    name: 'mark-send-started',
    text: `update deliveries set send_started = true, provider = $6, account = $7, account_fence = fence
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 and fence = $5 and status = 'sending'
           returning ctid as handle`,
    values: [
      delivery.tenantId,
      delivery.notificationId,
      delivery.channel,
      delivery.target,
      delivery.fence,
      name,
      account ?? null,
    ],
  });
  if (!rows[0]) return false;
  delivery.handle = rows[0].handle;
  return true;
}

/** An answer of the plan that holds a claimed delivery. */
export interface PlannedHold {
  readonly verdict: Verdict;
  /** The users whose terms it was asked with: one, or also the one who is known by the address alone. */
  readonly users: readonly Pick<StoredPlanUser, 'userId' | 'version'>[];
  /** Time in ms for which its channel waits for those that are tried before it: while one of these is open, its turn comes that much later. */
  readonly gap?: Millis | undefined;
}

/** Pause in ms of a delivery whose user is being changed while the plan holds it. */
const CHANGING_MS: Millis = 1000;

/**
 * Returns deliveries that were claimed but not started to the queue. The attempt does not count. What the plan holds for a user who has
 * changed since it was asked is due as before, and asks again: else it would wait for what the user has just ended. Channels that wait
 * for their turn after one that the plan holds come later by as much.
 * @param dueAt for each delivery when it is due again; null: as before. Default: null for all
 * @param holdCodes for each delivery why it waits until then; null: its turn. Default: null for all
 * @param plans for each delivery what the plan says; null: another thing holds it. Default: null for all
 */
export async function releaseDeliveries(
  pool: pg.Pool,
  deliveries: readonly ClaimedDelivery[],
  now: Millis,
  dueAt: readonly (Millis | null)[] = deliveries.map(() => null),
  holdCodes: readonly (string | null)[] = deliveries.map(() => null),
  plans: readonly (PlannedHold | null)[] = deliveries.map(() => null),
): Promise<void> {
  const asked = plans.flatMap((plan, index) =>
    (plan?.users ?? []).map((user) => ({ place: index + 1, tenantId: deliveries[index]!.tenantId, ...user })),
  );
  await pool.query({
    name: 'release-deliveries',
    text: RELEASE,
    values: [
      ...keyColumns(deliveries),
      dueAt.map((time) => isoTimeOrNull(time)),
      holdCodes,
      plans.map((plan) => plan && JSON.stringify(plan.verdict)),
      deliveries.map(({ step }) => step),
      plans.map((plan) => plan?.gap ?? null),
      asked.map(({ place }) => place),
      asked.map(({ tenantId }) => tenantId),
      asked.map(({ userId }) => userId),
      asked.map(({ version }) => version),
      isoTime(now + CHANGING_MS),
    ],
  });
}

/**
 * The lock on the user makes a change of them wait, which then releases what is held here. A change under way is not waited for: it may
 * wait for one of these rows. Whatever became of the user, a channel waits for those before it. Look-ups as single values: an "exists"
 * may be planned as a scan of all users.
 */
const RELEASE = `
with said as materialized (
  -- 0: the user is as they were, 1: they are being changed, 2: they have changed.
  select u.place, max(case
      when (select xmin::text from users where tenant_id = u.tenant and user_id = u.id limit 1) is distinct from u.version then 2
      when (select true from users where tenant_id = u.tenant and user_id = u.id and xmin::text = u.version limit 1
            for share skip locked) then 0
      else 1 end) as change
  from unnest($11::int[], $12::text[], $13::text[], $14::text[]) as u(place, tenant, id, version)
  group by u.place
), r as materialized (
  select q.tenant, q.notification, q.channel, q.target, q.fence, q.step, q.gap * interval '1 ms' as gap,
         case coalesce(said.change, 0) when 0 then q.due when 1 then least(q.due, $15) end as due,
         case when coalesce(said.change, 0) < 2 then q.code end as code,
         case when coalesce(said.change, 0) = 0 then q.verdict end as verdict
  from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::text[], $8::text[], $9::int[],
              $10::float8[])
    with ordinality as q(tenant, notification, channel, target, fence, due, code, verdict, step, gap, place)
  left join said on said.place = q.place
), released as (
  update deliveries as d
  set status = 'queued', attempts = attempts - 1, plan = coalesce(r.verdict::json, plan),
      hold_code = case when turn.at is null then r.code else 'fallback' end,
      -- When it expires a claim must see it, whatever it waits for.
      due_at = least(coalesce(turn.at, r.due, due_at), expires_at + interval '1 ms'),
      -- A limit, the plan or a channel before it delays, and takes nothing from the time for retries.
      retry_until = case when turn.at is not null or r.code in ('rate_limited', 'legal_hours', 'quiet_hours', 'paused')
        then retry_until + greatest(coalesce(turn.at, r.due) - due_at, '0') else retry_until end
  from r
  cross join lateral (
    select max(greatest(e.due_at, r.due)) + r.gap as at from deliveries as e
    where r.gap is not null and e.tenant_id = r.tenant and e.notification_id = r.notification and e.step < r.step
      and e.status in ('queued', 'sending')
  ) as turn
  where d.tenant_id = r.tenant and d.notification_id = r.notification and d.channel = r.channel and d.target = r.target
    and d.fence = r.fence and d.status = 'sending' and ${selectivityHint('r.fence')}
  returning d.tenant_id, d.notification_id, d.step, d.due_at, r.gap
), held as (
  select tenant_id, notification_id, min(step)::int as step, max(due_at - step * gap) as start, max(gap) as gap
  from released where step is not null and gap is not null
  group by tenant_id, notification_id
)
update deliveries as d
set due_at = least(next.turn, expires_at + interval '1 ms'), retry_until = retry_until + (next.turn - due_at)
from (
  select after.*, held.step, held.start + after.own_step * held.gap as turn from held
  cross join lateral (
    select ctid as row, tableoid, notification_id, step as own_step from deliveries
    where tenant_id = held.tenant_id and notification_id = held.notification_id and step > held.step and ${WAITS_FOR_TURN}
      and due_at < held.start + step * held.gap
    limit ${MAX_STEPS}
  ) as after
) as next
where d.ctid = next.row and d.tableoid = next.tableoid and d.notification_id = next.notification_id and ${selectivityHint('next.step')}`;

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
