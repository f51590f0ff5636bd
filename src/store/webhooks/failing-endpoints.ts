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

/** Returns endpoints of a tenant that fail, those first that were disabled for that. One that was disabled by hand is as it should be. */
export async function listFailingEndpoints(
  connection: Connection,
  tenantId: string,
  limit: number,
): Promise<FailingEndpoint[]> {
  const { rows } = await connection.query<FailingEndpoint>(
    `select endpoint_id::text as id, description, state = 'disabled' as "isDisabled", failures,
            case when state = 'disabled' then state_changed_at else coalesce(failing_since, state_changed_at) end as since
     from webhook_endpoints
     where tenant_id = $1 and (state = 'disabled' and state_code <> 'by_hand' or state = 'active' and failures >= ${FAILING_AFTER})
     order by state desc, endpoint_id limit $2`,
    [tenantId, limit],
  );
  return rows;
}
