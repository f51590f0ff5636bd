import { recentActivity } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { activityPage, activityQuery } from '../schemas/events.ts';

export function registerActivityRoutes(app: App, { database, clock }: HttpDependencies): void {
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
    async ({ principal: { tenantId }, query }) => ({
      events: await recentActivity(database.forTenant(tenantId), tenantId, query.limit, clock()),
    }),
  );
}
