import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Channel of the announcement that a circuit has opened or closed; the payload is its id. */
export const CIRCUITS_CHANNEL = 'tidings_circuits';

/** Circuits that are loaded at once, at most. */
export const MAX_LOADED_CIRCUITS = 20_000;
/** Time in ms after which an open circuit that no process probes is forgotten: its account or domain is not used. */
const UNUSED_MS: Millis = 24 * 3_600_000;

/** Why nothing is sent: failures in a row, wrong settings, or the provider has asked for a pause. */
export type CircuitCode = 'failures' | 'misconfigured' | 'retry_after';

/** Account or domain of a circuit. */
export interface CircuitPlace {
  readonly id: string;
  /** Null: an account of the installation. */
  readonly tenantId: string | null;
  readonly account: string | null;
  readonly provider: string;
  /** Domain of recipients; null: the account itself. */
  readonly domain: string | null;
}

/** A circuit that is not closed. Durations count from now, by the clock of the database. */
export interface StoredCircuit extends CircuitPlace {
  readonly code: CircuitCode;
  readonly cause: string;
  readonly since: Millis;
  /** Time in ms until the next probe; negative: it is due. */
  readonly remaining: Millis;
  /** As it is for the next opening, in ms. */
  readonly pause: Millis;
  /** Time in ms for which another worker may still be probing it; negative or null: none is. */
  readonly probing: Millis | null;
  readonly version: number;
}

const COLUMNS = `circuit_id as id, tenant_id as "tenantId", account, provider, domain, code, cause, since, version, pause_ms as pause,
  (extract(epoch from open_until - clock_timestamp()) * 1000)::float8 as remaining,
  (extract(epoch from probe_until - clock_timestamp()) * 1000)::float8 as probing`;

/** Returns the circuits that are not closed, at most MAX_LOADED_CIRCUITS. @param id only this one */
export async function loadCircuits(connection: Connection, id?: string): Promise<StoredCircuit[]> {
  if (id === undefined) {
    const { rows } = await connection.query<StoredCircuit>(
      `select ${COLUMNS} from circuits limit ${MAX_LOADED_CIRCUITS}`,
    );
    return rows;
  }
  const { rows } = await connection.query<StoredCircuit>({
    name: 'load-circuit',
    text: `select ${COLUMNS} from circuits where circuit_id = $1`,
    values: [id],
  });
  return rows;
}

/**
 * Returns the circuits of a tenant and of the accounts of the installation that are not closed, accounts first, the oldest first; at
 * most `limit`. Domains of the installation are left out: they are those of the recipients of other tenants.
 */
export async function listCircuits(
  connection: Connection,
  { tenantId, limit }: { readonly tenantId: string; readonly limit: number },
): Promise<StoredCircuit[]> {
  const { rows } = await connection.query<StoredCircuit>({
    name: 'list-circuits',
    text: `select ${COLUMNS} from circuits where tenant_id = $1 or tenant_id is null and domain is null
           order by domain is not null, since, circuit_id limit $2`,
    values: [tenantId, limit],
  });
  return rows;
}

/** Opens a circuit for `remaining` ms, or keeps it open for longer, ends its probe, and announces it. Returns it as it is then. */
export async function saveCircuit(
  connection: Connection,
  { id, tenantId, account, provider, domain }: CircuitPlace,
  { code, cause, since, remaining, pause }: Pick<StoredCircuit, 'code' | 'cause' | 'since' | 'remaining' | 'pause'>,
): Promise<StoredCircuit> {
  const { rows } = await connection.query<StoredCircuit>({
    name: 'save-circuit',
    text: `with saved as (
             insert into circuits as c (circuit_id, tenant_id, account, provider, domain, code, cause, since, open_until, pause_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9::float8 * interval '1 ms', $10)
             on conflict (circuit_id) do update set
               open_until = greatest(c.open_until, excluded.open_until), pause_ms = excluded.pause_ms, version = c.version + 1,
               code = case when excluded.open_until > c.open_until then excluded.code else c.code end,
               cause = case when excluded.open_until > c.open_until then excluded.cause else c.cause end,
               probe_by = null, probe_until = null
             returning *
           )
           select ${COLUMNS}, pg_notify('${CIRCUITS_CHANNEL}', $1::text)::text as announced from saved`,
    values: [id, tenantId, account, provider, domain, code, cause, isoTime(since), remaining, Math.round(pause)],
  });
  return rows[0] as StoredCircuit;
}

/** Closes a circuit and announces it. */
export async function deleteCircuit(connection: Connection, id: string): Promise<void> {
  await connection.query({
    name: 'delete-circuit',
    text: `with gone as (delete from circuits where circuit_id = $1 returning circuit_id)
           select pg_notify('${CIRCUITS_CHANNEL}', circuit_id) from gone`,
    values: [id],
  });
}

/** Closes the circuits of an account, also of its domains: it was changed or deleted. */
export async function deleteCircuitsOf(connection: Connection, tenantId: string, account: string): Promise<void> {
  await connection.query({
    name: 'delete-circuits-of-account',
    text: `with gone as (delete from circuits where tenant_id = $1 and account = $2 returning circuit_id)
           select pg_notify('${CIRCUITS_CHANNEL}', circuit_id) from gone`,
    values: [tenantId, account],
  });
}

/**
 * Takes the probe of a circuit for `lease` ms: of all workers one has it. Returns false if another has it, or if the circuit has
 * been closed or opened again since this version.
 */
export async function takeProbe(
  connection: Connection,
  {
    id,
    version,
    worker,
    lease,
  }: { readonly id: string; readonly version: number; readonly worker: string; readonly lease: Millis },
): Promise<boolean> {
  const { rowCount } = await connection.query({
    name: 'take-probe',
    text: `update circuits set probe_by = $3, probe_until = clock_timestamp() + $4::float8 * interval '1 ms'
           where circuit_id = $1 and version = $2 and (probe_until is null or probe_until < clock_timestamp())`,
    values: [id, version, worker, lease],
  });
  return rowCount === 1;
}

/** Gives back the probe of a circuit that was not used. */
export async function releaseProbe(connection: Connection, id: string, worker: string): Promise<void> {
  await connection.query({
    name: 'release-probe',
    text: 'update circuits set probe_by = null, probe_until = null where circuit_id = $1 and probe_by = $2',
    values: [id, worker],
  });
}

/** Forgets circuits that were to be probed a day ago, and were not. */
export async function deleteUnusedCircuits(connection: Connection): Promise<void> {
  await connection.query(
    `with gone as (
       delete from circuits where open_until < clock_timestamp() - interval '${UNUSED_MS} ms' returning circuit_id
     )
     select pg_notify('${CIRCUITS_CHANNEL}', circuit_id) from gone`,
  );
}
