import { type ExplainSources, explainNotification } from '../../explain/explain.ts';
import type { App, HttpDependencies } from '../app.ts';
import { toHoldSources } from '../hold-sources.ts';
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
      const pool = dependencies.database.forTenant(tenantId);
      const sources: ExplainSources = { ...dependencies, pool, ...toHoldSources(dependencies, tenantId) };
      return explainNotification(sources, tenantId, params.user_id, params.notification_type);
    },
  );
}
