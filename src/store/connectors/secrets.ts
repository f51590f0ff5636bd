import type { Millis } from '../../model/event.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Secrets of a connector, by name. */
export type Secrets = { readonly [name: string]: string };

/** Returns the secrets of a connector; undefined: none are set, or no key opens them. */
export async function loadSecrets(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  connector: string,
): Promise<Secrets | undefined> {
  const { rows } = await connection.query<{ sealed: Buffer }>(
    'select sealed from connector_secrets where tenant_id = $1 and connector = $2',
    [tenantId, connector],
  );
  const sealed = rows[0]?.sealed;
  return (
    sealed && (openDocument(seal, sealed, documentRow('connector_secrets', tenantId, connector)) as Secrets | undefined)
  );
}

/** Returns the names of the secrets that are set, by connector. */
export async function listSecretNames(
  connection: Connection,
  tenantId: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await connection.query<{ connector: string; names: string[] }>(
    'select connector, names from connector_secrets where tenant_id = $1 order by connector limit 1000',
    [tenantId],
  );
  return new Map(rows.map(({ connector, names }) => [connector, names]));
}

/** Locks the secrets of the connectors of a tenant until the end of the transaction, also those that are not there yet. */
export async function lockSecrets(connection: Connection, tenantId: string): Promise<void> {
  await connection.query(`select pg_advisory_xact_lock(hashtextextended('tidings connector secrets ' || $1, 0))`, [
    tenantId,
  ]);
}

/** Writes the secrets of a connector in place of those before. */
export async function saveSecrets(
  connection: Connection,
  seal: Seal,
  { tenantId, connector }: { readonly tenantId: string; readonly connector: string },
  secrets: Secrets,
  now: Millis,
): Promise<void> {
  const sealed = sealDocument(seal, JSON.stringify(secrets), documentRow('connector_secrets', tenantId, connector));
  await connection.query(
    `insert into connector_secrets (tenant_id, connector, names, sealed, updated_at) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, connector) do update
     set names = excluded.names, sealed = excluded.sealed, updated_at = excluded.updated_at`,
    [tenantId, connector, Object.keys(secrets).sort(), sealed, isoTime(now)],
  );
}
