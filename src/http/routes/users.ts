import { findUsers } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { userPage, usersQuery } from '../schemas/users.ts';

export function registerUserRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/users',
    {
      config: { scope: 'users:read' },
      schema: {
        operationId: 'findUsers',
        summary: 'Find users by a prefix of their id',
        tags: ['users'],
        querystring: usersQuery,
        response: { 200: userPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const after = cursors.read(request, ['text'])?.[0] ?? null;
      const ids = await findUsers(database.forTenant(principal.tenantId), principal.tenantId, {
        prefix: query.prefix,
        after,
        limit: query.limit,
      });
      const users = ids.map((user_id) => ({ user_id }));
      return { users, next: cursors.next(request, users, query.limit, (last) => [last.user_id]) };
    },
  );
}
