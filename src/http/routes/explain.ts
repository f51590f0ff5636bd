import { explainNotification } from '../../explain/explain.ts';
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
    ({ principal, params }) =>
      explainNotification(
        { ...dependencies, pool: dependencies.database.forTenant(principal.tenantId) },
        principal.tenantId,
        params.user_id,
        params.notification_type,
      ),
  );
}
