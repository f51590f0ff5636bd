import { loadOutages } from '../delivery/routes/route-states.ts';
import type { HoldSources } from '../explain/hold-facts.ts';
import { loadPause } from '../store/pause.ts';
import type { HttpDependencies } from './app.ts';

/** Returns what reads the holds of messages of a tenant that are stored apart from them. */
export function toHoldSources(
  { database, catalogs, installation, clock }: HttpDependencies,
  tenantId: string,
): Pick<HoldSources, 'loadPause' | 'loadOutages'> {
  return {
    loadPause: () => loadPause(database.owner),
    loadOutages: async () => {
      const { routes } = await catalogs.getActive(tenantId);
      return loadOutages(database.forTenant(tenantId), { tenantId, routes, installation, now: clock() });
    },
  };
}
