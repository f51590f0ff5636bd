import { z } from 'zod';
import { DELIVERY_STATUSES } from '../../model/delivery.ts';
import type { Principal } from '../../model/principal.ts';
import { listOwnNotifications } from '../../store/members/own-notifications.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { limitQuery, problemSchema, timestamp } from './schemas.ts';

const ownNotification = z.object({
  notification_id: z.string(),
  notification_type: z.string(),
  category: z.string(),
  created_at: timestamp,
  deliveries: z
    .array(
      z.object({
        channel: z.string(),
        status: z.enum(DELIVERY_STATUSES),
        finished_at: timestamp.nullable(),
        message: z
          .object({ subject: z.string().optional(), text: z.string(), html: z.string().optional() })
          .nullable()
          .describe('As it was rendered; null: it was not, or it is no longer kept'),
      }),
    )
    .readonly(),
});

/** Routes that a user reaches with an own token: the own data, under no id, so that it has no name to change. */
export function registerMeRoutes(app: App, { database, seal }: HttpDependencies): void {
  app.get(
    '/api/v1/me',
    {
      config: { scope: 'me' },
      schema: {
        summary: 'Show whose token this is',
        tags: ['me'],
        response: {
          200: z.object({ user_id: z.string(), tenant_id: z.string(), environment: z.string() }),
          '4xx': problemSchema,
        },
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
        summary: 'List my notifications, newest first, with their messages',
        tags: ['me'],
        querystring: z.strictObject({ limit: limitQuery, after: z.string().optional() }),
        response: {
          200: z.object({ notifications: z.array(ownNotification), next: z.string().nullable() }),
          '4xx': problemSchema,
        },
      },
    },
    async ({ principal, query: { limit, after } }, reply) => {
      const { tenantId } = principal;
      const before = readCursor(after, ['uuid'])?.[0] ?? null;
      const page = { tenantId, userId: requireUser(principal), limit, before };
      const notifications = await listOwnNotifications(database.forTenant(tenantId), seal, page);
      const last = notifications.length === limit ? notifications.at(-1) : undefined;
      reply.header('cache-control', 'no-store');
      return { notifications, next: last ? writeCursor([last.notification_id]) : null };
    },
  );
}

function requireUser({ userId }: Principal): string {
  if (userId === undefined) throw new Error('a principal with the scope me lacks its user');
  return userId;
}
