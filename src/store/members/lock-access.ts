import type { Connection } from '../pg/pool.ts';

/**
 * Locks what a tenant has of members, issuers and signing keys until the end of the transaction: what is counted there does not
 * change meanwhile.
 */
export async function lockAccess(connection: Connection, tenantId: string): Promise<void> {
  await connection.query("select pg_advisory_xact_lock(hashtext('tidings access'), hashtext($1))", [tenantId]);
}
