import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { CHANNELS, DELIVERY_STATUSES } from '../model/delivery.ts';
import { type DeliveryId, retryDelivery } from '../store/deliveries.ts';
import { listDeliveries, loadDelivery, loadMessage } from '../store/delivery-views.ts';
import { DAY_MS } from '../time/iso-time.ts';
import type { App, HttpDependencies } from './app.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { anyObject, delivery, limitQuery, problemSchema } from './schemas.ts';

/** Deliveries, their messages, and another try for those that stopped. */
export function deliveryRoutes(app: App, { pool, catalogs, clock }: HttpDependencies): void {
  const params = z.object({ id: z.string().max(256) });

  app.get(
    '/api/v1/deliveries',
    {
      schema: {
        summary: 'Deliveries, newest first; status=dead lists the dead letters',
        tags: ['deliveries'],
        querystring: z.strictObject({
          status: z.enum(DELIVERY_STATUSES).optional(),
          limit: limitQuery,
          before: z.string().optional(),
        }),
        response: {
          200: z.object({ deliveries: z.array(delivery), next: z.string().nullable() }),
          '4xx': problemSchema,
        },
      },
    },
    async (request) => {
      const { status = null, limit, before } = request.query;
      const cursor = readCursor(before, ['uuid', 'text']);
      const place = cursor && { notificationId: cursor[0], channel: cursor[1] };
      const deliveries = await listDeliveries(pool, request.caller.tenantId, status, limit, place);
      const last = deliveries.length === limit ? deliveries.at(-1) : undefined;
      return { deliveries, next: last ? writeCursor([last.notification_id, last.channel]) : null };
    },
  );

  app.get(
    '/api/v1/deliveries/:id/message',
    {
      schema: {
        summary: 'The message as it was sent',
        tags: ['deliveries'],
        params,
        response: { 200: anyObject, '4xx': problemSchema },
      },
    },
    async (request) => {
      const id = deliveryIdOf(request.params.id);
      const message = await loadMessage(pool, request.caller.tenantId, id);
      if (!message) throw new TidingsError('not_found', 'No message is kept for this delivery.');
      return { delivery_id: request.params.id, channel: id.channel, ...message };
    },
  );

  app.post(
    '/api/v1/deliveries/:id/retry',
    {
      schema: {
        summary: 'Queue a stopped delivery again',
        tags: ['deliveries'],
        params,
        response: { 202: delivery, '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      const { tenantId, actor } = request.caller;
      const id = deliveryIdOf(request.params.id);
      const stopped = await loadDelivery(pool, tenantId, id);
      if (!stopped) throw new TidingsError('not_found', 'There is no such delivery.');
      const { rules } = await catalogs.refresh(tenantId);
      // The catalog may have dropped the type.
      const patience = rules.notifications.get(stopped.notification_type)?.maxAge ?? DAY_MS;
      const retried = await retryDelivery(pool, tenantId, id, actor, clock(), patience);
      const now = (await loadDelivery(pool, tenantId, id)) ?? stopped;
      if (!retried) {
        const message = `It is ${now.status}; only undeliverable, dead and in_doubt deliveries can be retried.`;
        throw new TidingsError('not_retryable', message, { path: 'status' });
      }
      return reply.status(202).send(now);
    },
  );
}

function deliveryIdOf(id: string): DeliveryId {
  const [, notificationId, channel] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([a-z_]+)$/.exec(id) ?? [];
  if (!notificationId || !(CHANNELS as readonly (string | undefined)[]).includes(channel)) {
    throw new TidingsError('not_found', 'There is no such delivery; an id is NOTIFICATION_ID.CHANNEL.');
  }
  return { notificationId, channel: channel as string };
}
