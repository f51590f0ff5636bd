import type { Millis } from '../../model/event.ts';
import type { Connection } from '../pg/pool.ts';

/** Failures in a row from which on an endpoint counts as failing. */
const FAILING_AFTER = 3;

/** A webhook endpoint that gets nothing, or that was disabled because it got nothing. */
export interface FailingEndpoint {
  readonly id: string;
  readonly description: string;
  readonly isDisabled: boolean;
  /** When it was disabled, or failed first since its latest success. */
  readonly since: Millis;
  /** Failures in a row. */
  readonly failures: number;
}

/**
 * Returns endpoints of a tenant that fail, then those that were disabled for that, the latest first. One that was disabled by hand is as it
 * should be.
 * @param limit of each kind
 */
export async function listFailingEndpoints(
  connection: Connection,
  tenantId: string,
  limit: number,
): Promise<FailingEndpoint[]> {
  const { rows } = await connection.query<FailingEndpoint>(
    `(select endpoint_id::text as id, description, false as "isDisabled", failures, coalesce(failing_since, state_changed_at) as since
      from webhook_endpoints where tenant_id = $1 and state = 'active' and failures >= ${FAILING_AFTER}
      order by since desc, endpoint_id limit $2)
     union all
     (select endpoint_id::text, description, true, failures, state_changed_at
      from webhook_endpoints where tenant_id = $1 and state = 'disabled' and state_code <> 'by_hand'
      order by state_changed_at desc, endpoint_id limit $2)`,
    [tenantId, limit],
  );
  return rows;
}
