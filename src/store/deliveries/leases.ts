import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';

/** Leases of delivery workers: for how long what they claimed stays reserved. See claimDeliveries in deliveries.ts. */

/**
 * Extends these leases to `duration` ms from now. A lease is one row, however many deliveries name it.
 */
export async function renewLeases(pool: pg.Pool, leases: readonly string[], duration: Millis): Promise<void> {
  await pool.query({
    name: 'renew-leases',
    text: upsertLeases(`select lease, ${leaseExpiry('$2')} from unnest($1::text[]) as lease`),
    values: [leases, duration],
  });
}

/**
 * Returns the statement that creates or extends leases.
 * @param leases a query for the name and the new expiry of each
 * @param slack a SQL expression in ms: a lease that expires less than this before the new expiry stays as it is
 */
export function upsertLeases(leases: string, slack?: string): string {
  const isWorthIt = slack ? ` where leases.lease_until < excluded.lease_until - ${slack} * interval '1 ms'` : '';
  return `insert into leases (worker, lease_until) ${leases}
  on conflict (worker) do update set lease_until = excluded.lease_until${isWorthIt}`;
}

/**
 * Part of its duration by which a lease may expire earlier after a claim than after a renewal. Without it each claim would
 * write the row, and while a long snapshot is open all its versions stay, and are passed by each claim.
 */
export const CLAIM_SLACK_SHARE = 0.1;

/**
 * Returns the expiry of a lease as a SQL expression. Leases are written and judged by the clock of the database: with the
 * clock of each worker, one that is fast would rescue what another is sending.
 *
 * @param duration a SQL expression in ms
 */
export function leaseExpiry(duration: string): string {
  return `clock_timestamp() + ${duration}::float8 * interval '1 ms'`;
}

/**
 * Rescues deliveries whose lease has expired, and returns how many. The leases `except` are left alone: those of the calling
 * process, which knows better what became of its sends. If the send may have started, the attempt is recorded
 * as in doubt, and the delivery is queued again or held as its notification type says. Otherwise it is queued again, and
 * the attempt does not count.
 */
export async function rescueExpired(
  pool: Pick<Connection, 'query'>,
  now: Millis,
  except: readonly string[] = [],
): Promise<number> {
  const { rows } = await pool.query<{ rescued: number }>({
    name: 'rescue-expired',
    text: RESCUE,
    values: [isoTime(now), except],
  });
  return Number(rows[0]?.rescued ?? 0);
}

// Lateral, so that the queue is not read as long as no lease has expired. Its rows are waited for, not skipped: once the
// lease is deleted, no other statement would look for them.
const RESCUE = `
with expired as (
  select worker from leases where lease_until < clock_timestamp() and worker <> all ($2::text[])
  for update skip locked
), lost as (
  select q.* from expired
  cross join lateral (
    select tenant_id, notification_id, channel, target, account, worker, claimed_at, attempts, send_started, in_doubt_policy,
           case when account_fence = fence then provider end as sender
    from deliveries where finished_at is null and status = 'sending' and worker = expired.worker
    limit 1000000
    for update
  ) as q
), deleted as (
  delete from leases using expired where leases.worker = expired.worker
), doubted as (
  insert into attempts (tenant_id, notification_id, channel, target, attempt, provider, account, worker, started_at, duration_ms,
                        outcome, reason)
  select tenant_id, notification_id, channel, target, attempts, coalesce(sender, 'unknown'), case when sender is not null then account end, worker, claimed_at,
         least(2147483647, greatest(0, extract(epoch from $1::timestamptz - claimed_at) * 1000))::int, 'in_doubt',
         'the worker stopped before it could record the response of the provider'
  from lost where send_started
  on conflict do nothing
), rescued as (
  update deliveries as d
  set status = case when l.send_started and l.in_doubt_policy = 'hold' then 'in_doubt' else 'queued' end,
      due_at = $1,
      attempts = case when l.send_started then d.attempts else d.attempts - 1 end,
      reason_code = case when l.send_started then 'in_doubt' end,
      dead_letter = case when l.send_started and l.in_doubt_policy = 'hold'
                         then dead_letter_group('us', d.channel, d.provider, d.account, 'in_doubt', null) end,
      reason = case when not l.send_started then null
                    when l.in_doubt_policy = 'hold'
                    then 'A worker stopped while sending: the message may have been sent. It is held, as its notification type requires. Retry it by hand.'
                    else 'A worker stopped while sending: the message may have been sent. It is sent again, as its notification type allows.' end,
      finished_at = case when l.send_started and l.in_doubt_policy = 'hold' then $1::timestamptz end
  from lost as l
  where d.tenant_id = l.tenant_id and d.notification_id = l.notification_id and d.channel = l.channel
    and d.target = l.target and ${selectivityHint('l.attempts')}
  returning 1
)
select count(*) as rescued from rescued`;
