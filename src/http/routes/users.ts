import { z } from 'zod';
import { findUsers } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { limitQuery, pathText } from './schemas.ts';

export function registerUserRoutes(app: App, { database }: HttpDependencies): void {
  app.get(
    '/api/v1/users',
    {
      config: { scope: 'users:read' },
      schema: {
        summary: 'Find users by a prefix of their id',
        tags: ['users'],
        querystring: z.strictObject({ prefix: pathText.or(z.literal('')).default(''), limit: limitQuery }),
      },
    },
    async ({ principal, query }) => {
      const ids = await findUsers(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        query.prefix,
        query.limit,
      );
      return { users: ids.map((user_id) => ({ user_id })) };
    },
  );
}
