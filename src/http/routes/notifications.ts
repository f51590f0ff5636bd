import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { cancelNotificationById } from '../../notify/cancel-notification.ts';
import type { SendRequest } from '../../notify/request.ts';
import { MAX_RECIPIENTS, type ScheduledAt } from '../../notify/request.ts';
import { rescheduleNotification } from '../../notify/reschedule-notification.ts';
import { sendNotifications } from '../../notify/send-notifications.ts';
import { listNotifications, loadNotification } from '../../store/notifications.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { keepContent } from '../own-content.ts';
import { idParams } from '../schemas/common.ts';
import {
  cancellation,
  notificationDetail,
  notificationPage,
  notificationQuery,
  rescheduleBody,
  rescheduled,
  sendAnswer,
  sendBody,
  sendQuery,
} from '../schemas/notifications.ts';

const PATH = '/api/v1/notifications';
const TAGS = ['notifications'];
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** Recipients that count as one request for the limit of a key. */
const RECIPIENTS_PER_COUNTED_REQUEST = 100;

/** Notifications that are asked for directly: sent, scheduled, listed, cancelled, moved. */
export function registerNotificationRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, pipeline, catalogs, seal, clock, leaving } = dependencies;
  const cursors = new Cursors(seal);

  app.post(
    PATH,
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'notifications:write',
        countRequests,
        errors: ['unknown_type', 'category_mismatch', 'invalid_notification', 'overloaded'],
      },
      schema: {
        operationId: 'sendNotifications',
        summary: `Send a notification to up to ${MAX_RECIPIENTS} recipients, at once or at a time`,
        tags: TAGS,
        querystring: sendQuery,
        body: sendBody,
        response: { 202: sendAnswer },
      },
    },
    async (request, reply) => {
      const { principal, operationId, query } = request;
      const { tenantId, actor, scopes } = principal;
      const pool = database.forTenant(tenantId);
      const parts = { pipeline, catalogs, seal, clock, pool, ...(leaving && { leaving }) };
      const asker = { tenantId, actor, scopes, operationId };
      return reply
        .status(202)
        .send(
          await sendNotifications(parts, asker, keepContent(request.body) as SendRequest, query.dry_run === 'true'),
        );
    },
  );

  app.get(
    PATH,
    {
      config: { scope: 'notifications:read' },
      schema: {
        operationId: 'listNotifications',
        summary: 'List notifications: those that are scheduled, and then the newest',
        tags: TAGS,
        querystring: notificationQuery,
        response: { 200: notificationPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { user_id: userId, correlation_id: correlationId, type, state, limit } = query;
      const cursor = cursors.read(request, ['uuid']);
      const { notifications, last } = await listNotifications(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        { userId, type, state, correlationId },
        limit,
        cursor?.[0] ?? null,
      );
      return { notifications, next: last && cursors.write(request, [last]) };
    },
  );

  app.get(
    `${PATH}/:id`,
    {
      config: { scope: 'notifications:read', errors: ['not_found'] },
      schema: {
        operationId: 'getNotification',
        summary: 'Show a notification with its deliveries, or one that is scheduled',
        tags: TAGS,
        params: idParams,
        response: { 200: notificationDetail },
      },
    },
    async ({ principal: { tenantId }, params }) => {
      const found = await loadNotification(database.forTenant(tenantId), tenantId, requireId(params.id));
      if (!found) throw notFound();
      return found;
    },
  );

  app.post(
    `${PATH}/:id/cancel`,
    {
      config: { scope: 'notifications:write', errors: ['not_found'] },
      schema: {
        operationId: 'cancelNotification',
        summary: 'Cancel a notification; says which of its messages went out',
        tags: TAGS,
        params: idParams,
        response: { 200: cancellation },
      },
    },
    async ({ principal: { tenantId, actor }, params }) => {
      const pool = database.forTenant(tenantId);
      const command = { pool, catalogs, tenantId, actor, id: requireId(params.id), now: clock() };
      const found = await cancelNotificationById(command);
      if (!found) throw notFound();
      return found;
    },
  );

  app.post(
    `${PATH}/:id/reschedule`,
    {
      config: { scope: 'notifications:write', errors: ['not_found', 'invalid_notification'] },
      schema: {
        operationId: 'rescheduleNotification',
        summary: 'Move a scheduled notification to another time',
        tags: TAGS,
        params: idParams,
        body: rescheduleBody,
        response: { 200: rescheduled },
      },
    },
    async ({ principal: { tenantId, actor }, operationId, params, body }) => {
      const pool = database.forTenant(tenantId);
      const id = requireId(params.id);
      const command = { pool, pipeline, catalogs, tenantId, actor, operationId, id, now: clock() };
      const found = await rescheduleNotification(command, body.scheduled_at as ScheduledAt);
      if (!found) throw notFound();
      return found;
    },
  );
}

function countRequests(body: unknown): number {
  const { recipients } = (body ?? {}) as { readonly recipients?: unknown };
  const count = Array.isArray(recipients) ? Math.min(recipients.length, MAX_RECIPIENTS) : 1;
  return Math.max(1, Math.ceil(count / RECIPIENTS_PER_COUNTED_REQUEST));
}

function requireId(id: string): string {
  if (!z.uuid().safeParse(id).success) throw notFound();
  return id.toLowerCase();
}

function notFound(): TidingsError {
  return new TidingsError('not_found', 'There is no such notification.');
}
