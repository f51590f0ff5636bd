import type { Millis } from '../../model/event.ts';
import type { Connection } from '../pg/pool.ts';
import type { CircuitCode } from './circuits.ts';

/** Openings of each account in one answer, at most. */
export const MAX_LISTED_OPENINGS = 10;

/** Openings that are read of all accounts of the installation, the latest. Each of its circuits keeps 20. */
const MAX_READ_OPENINGS = 1000;

/** A time for which nothing was sent by an account. */
export interface Opening {
  readonly code: CircuitCode;
  /** The failure that opened it. */
  readonly cause: string;
  readonly openedAt: Millis;
  /** Null: it is open. */
  readonly closedAt: Millis | null;
}

/** An opening of the circuit of an account of a tenant. */
export interface CircuitOpening extends Opening {
  readonly account: string;
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

/** Returns the latest openings of the circuits of accounts of the installation by the id of the circuit, newest first. */
export async function listInstallationOpenings(
  connection: Connection,
): Promise<ReadonlyMap<string, readonly Opening[]>> {
  const { rows } = await connection.query<Opening & { readonly id: string }>({
    name: 'list-installation-openings',
    text: `select circuit_id as id, code, cause, opened_at as "openedAt", closed_at as "closedAt" from circuit_openings
           where tenant_id is null and account is null order by opening_id desc limit ${MAX_READ_OPENINGS}`,
  });
  const byCircuit = new Map<string, Opening[]>();
  for (const { id, ...opening } of rows) {
    const openings = byCircuit.get(id) ?? [];
    if (openings.length < MAX_LISTED_OPENINGS) byCircuit.set(id, [...openings, opening]);
  }
  return byCircuit;
}
