import { loadRouteStates } from '../../delivery/routes/route-states.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { routeStates } from '../schemas/routes.ts';

/** The accounts by which messages go at present. */
export function registerRouteStateRoutes(
  app: App,
  { database, catalogs, installation, clock }: HttpDependencies,
): void {
  app.get(
    '/api/v1/routes',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getRoutes',
        summary: 'Show by which accounts the messages of each channel go at present, and the last move away from each',
        tags: ['deliveries'],
        response: { 200: routeStates },
      },
    },
    async ({ principal: { tenantId } }) => {
      const { routes } = await catalogs.getActive(tenantId);
      const found = await loadRouteStates(database.forTenant(tenantId), {
        tenantId,
        routes,
        installation,
        now: clock(),
      });
      return {
        routes: found.map(({ channel, origin, entries }) => ({
          channel,
          origin,
          entries: entries.map(({ when = null, move, ...entry }) => ({
            ...entry,
            when,
            move: move && {
              share: move.share,
              since: isoTime(move.since),
              moved_at: isoTime(move.movedAt),
              cause: move.cause,
            },
          })),
        })),
      };
    },
  );
}
