import { describeCircuit, MAX_REPORTED_CIRCUITS, type OpenCircuit } from '../delivery/open-circuit.ts';
import { isTestTenant } from '../model/principal.ts';
import { listCircuits } from '../store/deliveries/circuits.ts';
import type { HttpDependencies } from './app.ts';

/** Returns the circuits that are not closed, in any process, of the accounts by which a tenant sends; a test tenant sends by none. */
export async function findOpenCircuits(
  { database, clock, listOpenCircuits }: Pick<HttpDependencies, 'database' | 'clock' | 'listOpenCircuits'>,
  tenantId: string,
): Promise<readonly OpenCircuit[]> {
  if (isTestTenant(tenantId)) return [];
  if (listOpenCircuits) return listOpenCircuits(tenantId);
  // Without workers of its own, this process knows those that are stored.
  const now = clock();
  const stored = await listCircuits(database.forTenant(tenantId), { tenantId, limit: MAX_REPORTED_CIRCUITS });
  return stored.map((circuit) => describeCircuit(circuit, now));
}
