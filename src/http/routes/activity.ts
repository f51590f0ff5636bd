import { z } from 'zod';
import { recentActivity } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { limitQuery } from './schemas.ts';

export function registerActivityRoutes(app: App, { database, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/activity',
    {
      config: { scope: 'decisions:read' },
      schema: {
        summary: 'List the latest events of all users with their decisions',
        tags: ['events'],
        querystring: z.strictObject({ limit: limitQuery }),
      },
    },
    async ({ principal: { tenantId }, query }) => ({
      events: await recentActivity(database.forTenant(tenantId), tenantId, query.limit, clock()),
    }),
  );
}
