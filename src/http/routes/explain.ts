import { loadOutages } from '../../delivery/routes/route-states.ts';
import { type ExplainSources, explainNotification } from '../../explain/explain.ts';
import { loadPause } from '../../store/pause.ts';
import type { App, HttpDependencies } from '../app.ts';
import { explanation, explanationParams } from '../schemas/users.ts';

export function registerExplainRoutes(app: App, dependencies: HttpDependencies): void {
  app.get(
    '/api/v1/explain/:user_id/:notification_type',
    {
      config: { scope: 'decisions:read', errors: ['not_found'] },
      schema: {
        operationId: 'explainNotification',
        summary: 'Explain why a user did, or did not, get a notification',
        tags: ['explain'],
        params: explanationParams,
        response: { 200: explanation },
      },
    },
    ({ principal: { tenantId }, params }) => {
      const { database, catalogs, installation, clock } = dependencies;
      const pool = database.forTenant(tenantId);
      const sources: ExplainSources = {
        ...dependencies,
        pool,
        loadPause: () => loadPause(database.owner),
        loadOutages: async () => {
          const { routes } = await catalogs.getActive(tenantId);
          return loadOutages(pool, { tenantId, routes, installation, now: clock() });
        },
      };
      return explainNotification(sources, tenantId, params.user_id, params.notification_type);
    },
  );
}
