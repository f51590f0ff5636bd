import { listOwnNotifications } from '../../store/members/own-notifications.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { requireUser } from '../require-user.ts';
import { pageQuery } from '../schemas/common.ts';
import { me, ownNotifications } from '../schemas/me.ts';

/** Routes that a user reaches with an own token: the own data, under no id, so that it has no name to change. */
export function registerMeRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/me',
    {
      config: { scope: 'me' },
      schema: {
        operationId: 'getMe',
        summary: 'Show whose token this is',
        tags: ['me'],
        response: { 200: me },
      },
    },
    async ({ principal }) => ({
      user_id: requireUser(principal),
      tenant_id: principal.tenantId,
      environment: principal.environment,
    }),
  );

  app.get(
    '/api/v1/me/notifications',
    {
      config: { scope: 'me' },
      schema: {
        operationId: 'listOwnNotifications',
        summary: 'List my notifications, newest first, with their messages',
        tags: ['me'],
        querystring: pageQuery,
        response: { 200: ownNotifications },
      },
    },
    async (request, reply) => {
      const { principal, query } = request;
      const { tenantId } = principal;
      const { limit } = query;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const page = { tenantId, userId: requireUser(principal), limit, before };
      const notifications = await listOwnNotifications(database.forTenant(tenantId), seal, page);
      reply.header('cache-control', 'no-store');
      return { notifications, next: cursors.next(request, notifications, limit, (last) => [last.notification_id]) };
    },
  );
}
