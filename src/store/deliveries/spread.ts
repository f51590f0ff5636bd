import type pg from 'pg';
import type { ClaimedDelivery } from './claimed-delivery.ts';

/**
 * Makes one delivery of each target out of a claimed delivery without a target: it becomes that of the first target, and is
 * copied for the others. All of them are queued and due as it was. Returns false if the lease was lost, and nothing changes.
 *
 * @param targets ids of devices or endpoints, at least one
 * @param isForFirst whether one that ended for want of a target before goes to the first of these alone, however many there are by
 *   now (revive.ts). One that was retried by command goes to all.
 */
export async function spreadDelivery(
  pool: pg.Pool,
  { tenantId, notificationId, channel, fence }: ClaimedDelivery,
  targets: readonly string[],
  isForFirst: boolean,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'spread-delivery',
    text: SPREAD,
    values: [tenantId, notificationId, channel, fence, targets[0], targets.slice(1), isForFirst],
  });
  return (rowCount ?? 0) > 0;
}

const SPREAD = `
with first as (
  update deliveries
  set target = $5, status = 'queued', attempts = attempts - 1, send_started = false,
      -- It found the target that it was marked for.
      reason_code = nullif(reason_code, 'address_added'),
      reason = case when reason_code = 'address_added' then null else reason end
  where tenant_id = $1 and notification_id = $2 and channel = $3 and target = '' and fence = $4 and status = 'sending'
  returning *
), others as (
  insert into deliveries (tenant_id, notification_id, channel, target, user_id, notification_type, priority, step, due_at,
                          retry_until, in_doubt_policy, attempts, expires_at, created_at, catalog_version)
  select f.tenant_id, f.notification_id, f.channel, t.target, f.user_id, f.notification_type, f.priority, f.step, f.due_at,
         f.retry_until, f.in_doubt_policy, f.attempts, f.expires_at, f.created_at, f.catalog_version
  from first as f cross join unnest($6::text[]) as t(target)
  where not $7::boolean or f.attempts = 0 or f.reason_code = 'retried' or not exists (
    select from attempts as a
    where a.tenant_id = $1 and a.notification_id = $2 and a.channel = $3 and a.target = '' and a.outcome = 'undeliverable')
  on conflict do nothing
  returning tenant_id, created_at, notification_type, channel, catalog_version
), counted as (
  insert into metric_deltas (tenant_id, items)
  select tenant_id, json_build_array(json_build_object(
    'minute', floor(extract(epoch from created_at) / 60)::int, 'type', notification_type, 'channel', channel,
    'version', catalog_version, 'planned', count(*)))
  from others where catalog_version is not null
  group by tenant_id, created_at, notification_type, channel, catalog_version
)
select from first`;
