import { z } from 'zod';
import { loadNotifications } from '../store/delivery-views.ts';
import { findUsers, loadProfile, loadTimeline, recentActivity } from '../store/users.ts';
import type { App, HttpDependencies } from './app.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { anyObject, decisionFull, limitQuery, notification, pathText, problemSchema } from './schemas.ts';

/** What happened: to one person, of late, and to whom. From what was stored when it was decided. */
export function auditRoutes(app: App, { pool, clock }: HttpDependencies): void {
  for (const url of ['/api/v1/audit/:user_id', '/audit/:user_id']) {
    app.get(
      url,
      {
        schema: {
          summary: 'Everything about one person: events, decisions with their evidence, messages and attempts',
          tags: ['why'],
          params: z.object({ user_id: pathText }),
          querystring: z.strictObject({
            limit: limitQuery,
            notification_type: pathText.optional(),
            before: z.string().optional(),
          }),
          response: {
            200: z.object({
              user_id: z.string(),
              profile: anyObject,
              recent_events: z.array(anyObject),
              decisions: z.array(decisionFull),
              notifications: z.array(notification),
              next: z.string().nullable(),
            }),
            '4xx': problemSchema,
          },
        },
      },
      async (request) => {
        const { tenantId } = request.caller;
        const { user_id } = request.params;
        const { limit, notification_type = null, before } = request.query;
        const cursor = readCursor(before, ['number', 'uuid']);
        const place = cursor && { time: cursor[0], key: cursor[1] };
        const profile = await loadProfile(pool, tenantId, user_id);
        const only = notification_type === null ? null : { type: notification_type };
        const timeline = await loadTimeline(pool, { tenantId, userId: user_id, limit, before: place, only });
        const ids = timeline.decisions.flatMap(({ notification_id }) => notification_id ?? []);
        return {
          user_id,
          profile,
          recent_events: timeline.events,
          decisions: timeline.decisions,
          notifications: await loadNotifications(pool, tenantId, user_id, ids),
          next: timeline.last ? writeCursor([timeline.last.time, timeline.last.key]) : null,
        };
      },
    );
  }

  app.get(
    '/api/v1/activity',
    {
      schema: {
        summary: 'What arrived last, and what was decided',
        tags: ['why'],
        querystring: z.strictObject({ limit: limitQuery }),
      },
    },
    async (request) => ({ events: await recentActivity(pool, request.caller.tenantId, request.query.limit, clock()) }),
  );

  app.get(
    '/api/v1/users',
    {
      schema: {
        summary: 'Find people by the beginning of their id',
        tags: ['why'],
        querystring: z.strictObject({ prefix: pathText.or(z.literal('')).default(''), limit: limitQuery }),
      },
    },
    async (request) => {
      const { prefix, limit } = request.query;
      const ids = await findUsers(pool, request.caller.tenantId, prefix, limit);
      return { users: ids.map((user_id) => ({ user_id })) };
    },
  );
}
