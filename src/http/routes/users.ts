import { toNameKey } from '../../lib/text/name-key.ts';
import { toNormalAddress } from '../../privacy/normal-address.ts';
import { findUsersById, findUsersByName, findUsersWithAddress } from '../../store/find-users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { userDetails, userPage, userParams, userSearch, usersQuery } from '../schemas/user-requests.ts';
import { showUser } from '../show-user.ts';

const TAGS = ['users'];

/** Users: found by a part of their id, by name or by address, and shown. */
export function registerUserRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/users',
    {
      config: { scope: 'users:read' },
      schema: {
        operationId: 'findUsers',
        summary: 'Find users by the start or a part of their id, or by the start of their name or its last word',
        tags: TAGS,
        querystring: usersQuery,
        response: { 200: userPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { prefix, contains = '', limit } = query;
      const pool = database.forTenant(principal.tenantId);
      if (query.name !== undefined) {
        const after = cursors.read(request, ['text', 'text']);
        const name = toNameKey(query.name);
        const found = name === null ? [] : await findUsersByName(pool, principal.tenantId, { name, after, limit });
        const users = found.map(({ user_id }) => ({ user_id }));
        return { users, next: cursors.next(request, found, limit, (last) => [last.key, last.user_id]) };
      }
      const after = cursors.read(request, ['text'])?.[0] ?? null;
      const page = await findUsersById(pool, principal.tenantId, { prefix, part: contains, after, limit });
      return { users: page.users, next: page.last === null ? null : cursors.write(request, [page.last]) };
    },
  );

  app.post(
    '/api/v1/users/search',
    {
      config: { scope: 'users:read', idempotent: false },
      schema: {
        operationId: 'searchUsers',
        summary: 'Find the users who have an email address or a phone number; the first 100',
        tags: TAGS,
        body: userSearch,
        response: { 200: userPage },
      },
    },
    async ({ principal: { tenantId }, body: { kind, address } }) => {
      const hash = seal.sign(toNormalAddress(kind, address));
      return { users: await findUsersWithAddress(database.forTenant(tenantId), tenantId, { kind, hash }), next: null };
    },
  );

  app.get(
    '/api/v1/users/:user_id',
    {
      config: { scope: 'users:read', errors: ['not_found'] },
      schema: {
        operationId: 'getUser',
        summary: 'Show a user, with addresses masked',
        tags: TAGS,
        params: userParams,
        response: { 200: userDetails },
      },
    },
    async ({ principal: { tenantId }, params: { user_id } }) =>
      showUser(database.forTenant(tenantId), tenantId, user_id),
  );
}
