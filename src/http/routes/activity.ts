import { recentActivity } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { activityPage, activityQuery } from '../schemas/events.ts';

export function registerActivityRoutes(app: App, { pool, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/activity',
    {
      config: { scope: 'decisions:read' },
      schema: {
        operationId: 'listActivity',
        summary: 'List the latest events of all users with their decisions',
        tags: ['events'],
        querystring: activityQuery,
        response: { 200: activityPage },
      },
    },
    async ({ principal, query }) => ({ events: await recentActivity(pool, principal.tenantId, query.limit, clock()) }),
  );
}
