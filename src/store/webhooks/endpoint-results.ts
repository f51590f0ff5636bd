import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import { DISABLED_AFTER_FAILURES, DISABLED_AFTER_MS } from '../../model/webhook.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';

/** Attempts at an endpoint that were recorded together. */
export interface EndpointResult {
  readonly tenantId: string;
  readonly endpointId: string;
  /** Whether one of them succeeded: the failures are those after it then. */
  readonly hasSucceeded: boolean;
  readonly failures: number;
  /** Whether the endpoint answered that it is gone. */
  readonly isGone: boolean;
}

/** A change of an endpoint that its owner wants to know of. */
export interface EndpointNotice {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly notice: 'failing' | 'disabled';
  readonly failures: number;
  readonly failingSince: Millis;
}

/**
 * Counts failures at endpoints, in the transaction that records the attempts, and disables those that are gone or have failed for
 * days; each of these, and the notice at half of the way, is in the audit log. An endpoint that works is not written.
 */
export async function recordEndpointResults(
  connection: Connection,
  results: readonly EndpointResult[],
  now: Millis,
): Promise<EndpointNotice[]> {
  if (results.length === 0) return [];
  const { rows } = await connection.query<{
    tenant_id: string;
    endpoint_id: string;
    notice: 'failing' | 'disabled';
    code: 'gone' | 'failing' | null;
    failures: number;
    failing_since: Millis;
  }>({
    name: 'record-endpoint-results',
    text: RECORD,
    values: [
      results.map(({ tenantId }) => tenantId),
      results.map(({ endpointId }) => endpointId),
      results.map(({ hasSucceeded }) => hasSucceeded),
      results.map(({ failures }) => failures),
      results.map(({ isGone }) => isGone),
      isoTime(now),
      DISABLED_AFTER_MS,
      DISABLED_AFTER_FAILURES,
    ],
  });
  for (const { tenant_id: tenantId, endpoint_id: subject, notice, code, failures, failing_since } of rows) {
    const detail = { failures, failing_since: isoTime(failing_since), ...(code === null ? {} : { code }) };
    const actor = systemActor('webhooks');
    await appendAuditEntry(connection, { tenantId, actor, action: `webhook.${notice}`, subject, detail }, now);
  }
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    endpointId: row.endpoint_id,
    notice: row.notice,
    failures: row.failures,
    failingSince: row.failing_since,
  }));
}

// Locked in order of the key, so that two workers do not wait for each other.
const RECORD = `
with result as (
  select * from unnest($1::text[], $2::uuid[], $3::bool[], $4::int[], $5::bool[]) as r(t, e, ok, n, gone)
), known as (
  select w.tenant_id, w.endpoint_id, r.gone, w.warned_at is not null and not r.ok as is_warned,
         case when r.ok then 0 else w.failures end + r.n as failures,
         case when r.n > 0 then coalesce(case when not r.ok then w.failing_since end, $6::timestamptz) end as failing_since
  from result as r join webhook_endpoints as w on w.tenant_id = r.t and w.endpoint_id = r.e
  where w.state = 'active' and (r.n > 0 or w.failing_since is not null)
  order by w.tenant_id, w.endpoint_id
  for update of w
), judged as (
  select known.*, gone or (failures >= $8 and failing_since <= $6::timestamptz - $7::float8 * interval '1 ms') as ends,
         failures * 2 >= $8 and failing_since <= $6::timestamptz - $7::float8 / 2 * interval '1 ms' as is_half
  from known
), changed as (
  update webhook_endpoints as w
  set failures = j.failures, failing_since = j.failing_since,
      warned_at = case when j.failing_since is null then null when j.is_half or j.ends then coalesce(w.warned_at, $6) else w.warned_at end,
      state = case when j.ends then 'disabled' else w.state end,
      state_code = case when j.gone then 'gone' when j.ends then 'failing' end,
      state_changed_at = case when j.ends then $6 else w.state_changed_at end,
      revision = case when j.ends then w.revision + 1 else w.revision end
  from judged as j where w.tenant_id = j.tenant_id and w.endpoint_id = j.endpoint_id
  returning w.tenant_id, w.endpoint_id, w.state_code, w.failures, w.failing_since, j.ends, j.is_half and not j.is_warned as warns
)
select tenant_id, endpoint_id, case when ends then 'disabled' else 'failing' end as notice, state_code as code, failures, failing_since
from changed where ends or warns order by tenant_id, endpoint_id`;
