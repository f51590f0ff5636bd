import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { PLAN_HOLDS } from './held-by-plan.ts';

/**
 * A channel that waits for its turn after others of its notification, in a look-up by the key. Written so that it implies the condition of
 * no index: one over all deliveries of a tenant may be planned while the tables are small.
 */
export const WAITS_FOR_TURN = `status = 'queued' and coalesce(hold_code, '') = 'fallback'`;
/** A channel that waits for its turn or, behind a channel before it, for what the plan says. */
const WAITS = `status = 'queued' and coalesce(hold_code, '') in ('fallback', ${PLAN_HOLDS})`;
/** Deliveries of one notification that wait for their turn, at most. */
export const MAX_STEPS = 100;

/** Result of one of the channels that are tried one after the other. */
export interface StepResult {
  readonly tenantId: string;
  readonly notificationId: string;
  /** From 1. */
  readonly step: number;
  /** As the reason of the others names it. */
  readonly channel: string;
  /** Whether the message reached the user, as far as its type asks for; otherwise it failed for good. */
  readonly reached: boolean;
  /** Whether the message stayed in the sandbox, as the reason of the others says. Default false. */
  readonly isSandboxed?: boolean;
}

/**
 * Goes on with notifications whose channels are tried one after the other. Once a channel has reached the user, the others that
 * are queued are cancelled. Once one has failed, the next is due at once, and those after it as much earlier: unless
 * something between them may have reached the user, as another device of the same channel whose message is held in doubt. What
 * came before the one that failed had its time. Repeating it changes nothing more.
 */
export async function advanceSteps(connection: Connection, results: readonly StepResult[], now: Millis): Promise<void> {
  if (results.length === 0) return;
  await connection.query({
    name: 'advance-steps',
    text: ADVANCE,
    values: [
      results.map(({ tenantId }) => tenantId),
      results.map(({ notificationId }) => notificationId),
      results.map(({ step }) => step),
      results.map(({ channel }) => channel),
      results.map(({ reached }) => reached),
      isoTime(now),
      results.map(({ isSandboxed = false }) => isSandboxed),
    ],
  });
}

const ADVANCE = `
with result as (
  select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::bool[], $7::bool[]) as r(t, n, s, c, reached, sandboxed)
), cancelled as (
  update deliveries as d
  set status = 'cancelled', finished_at = $6, hold_code = null, reason_code = 'reached',
      reason = case when r.sandboxed then 'Not needed: ' || r.c || ' comes first, and no channel after it leaves the sandbox.'
                    else 'Not needed: the message reached the user by ' || r.c || '.' end
  from result as r
  where r.reached and d.tenant_id = r.t and d.notification_id = r.n and d.step <> r.s and d.status = 'queued'
    and d.finished_at is null and ${selectivityHint('r.s')}
), next as (
  -- The first of the channels after it that still waits for its turn.
  select r.t, r.n, r.c, r.sandboxed, q.step, greatest(interval '0', q.due_at - $6::timestamptz) as early
  from result as r cross join lateral (
    select d.step, d.due_at from deliveries as d
    where d.tenant_id = r.t and d.notification_id = r.n and d.step > r.s and ${WAITS}
    order by d.step limit 1
  ) as q
  where not r.reached
    -- A later channel, or another device, may be under way or may have reached the user. What is in doubt may have; a type that
    -- sends it again allows a second channel as well. It had its turn itself because the time of those before it is over.
    and not exists (
      select from deliveries as d
      where d.tenant_id = r.t and d.notification_id = r.n and d.step >= r.s and d.step < q.step
        and (d.status in ('sending', 'queued')
          or (d.status = 'sent' or d.status = 'in_doubt' and d.in_doubt_policy = 'hold')
            and coalesce(d.receipt_state, '') not in ('bounced', 'failed')))
)
update deliveries as d
set due_at = d.due_at - next.early, retry_until = d.retry_until - next.early,
    hold_code = case when d.step = next.step then null else d.hold_code end,
    reason_code = case when d.step = next.step then 'fallback' else d.reason_code end,
    reason = case when d.step = next.step then 'Its turn came because ' || next.c || case when next.sandboxed then ' is in the sandbox.' else ' failed.' end else d.reason end
from next
where d.tenant_id = next.t and d.notification_id = next.n and d.step >= next.step and ${WAITS}`;
