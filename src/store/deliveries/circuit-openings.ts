import type { Millis } from '../../model/event.ts';
import type { Connection } from '../pg/pool.ts';
import type { CircuitCode } from './circuits.ts';

/** Openings of each account in one answer, at most. */
export const MAX_LISTED_OPENINGS = 10;

/** A time for which nothing was sent by an account. */
export interface CircuitOpening {
  readonly account: string;
  readonly code: CircuitCode;
  /** The failure that opened it. */
  readonly cause: string;
  readonly openedAt: Millis;
  /** Null: it is open. */
  readonly closedAt: Millis | null;
}

/** Returns the latest openings of the circuits of accounts of a tenant, newest first. */
export async function listCircuitOpenings(
  connection: Connection,
  tenantId: string,
  accounts: readonly string[],
): Promise<CircuitOpening[]> {
  const { rows } = await connection.query<CircuitOpening>({
    name: 'list-circuit-openings',
    text: `select opened.account, opened.code, opened.cause, opened.opened_at as "openedAt", opened.closed_at as "closedAt"
           from unnest($2::text[]) as a(account)
           cross join lateral (
             select * from circuit_openings as o where o.tenant_id = $1 and o.account = a.account
             order by o.opening_id desc limit ${MAX_LISTED_OPENINGS}
           ) as opened`,
    values: [tenantId, accounts],
  });
  return rows;
}
