import { cancelQueuedDelivery, retryStoppedDelivery } from '../../delivery/delivery-admin.ts';
import { TidingsError } from '../../errors.ts';
import type { Channel } from '../../model/delivery.ts';
import { type DeliveryId, parseDeliveryId } from '../../model/delivery-id.ts';
import { loadMessage } from '../../store/deliveries/delivery-views.ts';
import {
  COUNTED_FIELDS,
  type CountedField,
  countDeliveries,
  listDeliveries,
  toDeliveryFilter,
} from '../../store/deliveries/list-deliveries.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import {
  delivery,
  deliveryCountQuery,
  deliveryCounts,
  deliveryPage,
  deliveryParams,
  deliveryQuery,
  message,
} from '../schemas/deliveries.ts';

export function registerDeliveryRoutes(app: App, { database, catalogs, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/deliveries',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'listDeliveries',
        summary: 'List deliveries by a filter, newest first; status=dead lists the dead letters',
        tags: ['deliveries'],
        querystring: deliveryQuery,
        response: { 200: deliveryPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const cursor = cursors.read(request, ['uuid', 'text', 'text']);
      const before = cursor && { notificationId: cursor[0], channel: cursor[1], target: cursor[2] };
      const { deliveries, last } = await listDeliveries(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        toDeliveryFilter(query),
        clock(),
        query.limit,
        before,
      );
      const next = last && cursors.write(request, [last.notificationId, last.channel, last.target]);
      return { deliveries, next };
    },
  );

  app.get(
    '/api/v1/deliveries/counts',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'countDeliveries',
        summary: 'Count deliveries by status, type, channel, provider, reason, receipt and hold',
        tags: ['deliveries'],
        querystring: deliveryCountQuery,
        response: { 200: deliveryCounts },
      },
    },
    async ({ principal: { tenantId }, query }) => {
      const fields = parseFields(query.count_by);
      const { total, counts, since } = await countDeliveries(
        database.forTenant(tenantId),
        tenantId,
        toDeliveryFilter(query),
        clock(),
      );
      return {
        total,
        at_least: since !== null,
        since,
        counts: Object.fromEntries(fields.map((field) => [field, counts[field]])),
      };
    },
  );

  app.get(
    '/api/v1/deliveries/:id/message',
    {
      config: { scope: 'messages:read', errors: ['not_found', 'not_readable'] },
      schema: {
        operationId: 'getMessage',
        summary: 'Show the message of a delivery as it was sent, with addresses masked',
        tags: ['deliveries'],
        params: deliveryParams,
        response: { 200: message },
      },
    },
    async ({ principal, params }) => {
      const id = requireDeliveryId(params.id);
      const message = await loadMessage(database.forTenant(principal.tenantId), seal, principal.tenantId, id);
      if (!message) throw new TidingsError('not_found', 'No message is stored for this delivery.');
      if (message === 'unreadable') {
        throw new TidingsError('not_readable', 'The message cannot be opened with the current encryption key.');
      }
      return { delivery_id: params.id, channel: id.channel as Channel, ...message };
    },
  );

  app.post(
    '/api/v1/deliveries/:id/retry',
    {
      config: { scope: 'deliveries:write', errors: ['not_found', 'not_retryable'] },
      schema: {
        operationId: 'retryDelivery',
        summary: 'Queue a stopped delivery again',
        tags: ['deliveries'],
        params: deliveryParams,
        response: { 202: delivery },
      },
    },
    async ({ principal, params }, reply) => {
      const id = requireDeliveryId(params.id);
      const result = await retryStoppedDelivery({
        pool: database.forTenant(principal.tenantId),
        catalogs,
        tenantId: principal.tenantId,
        actor: principal.actor,
        id,
        now: clock(),
      });
      if (!result) throw new TidingsError('not_found', 'There is no such delivery.');
      if (!result.isQueued) {
        const message = `The delivery is ${result.delivery.status}; only undeliverable, dead and in_doubt deliveries can be retried.`;
        throw new TidingsError('not_retryable', message);
      }
      return reply.status(202).send(result.delivery);
    },
  );

  app.post(
    '/api/v1/deliveries/:id/cancel',
    {
      config: { scope: 'deliveries:write', errors: ['not_found', 'not_cancellable'] },
      schema: {
        operationId: 'cancelDelivery',
        summary: 'Cancel a queued delivery',
        tags: ['deliveries'],
        params: deliveryParams,
        response: { 200: delivery },
      },
    },
    async ({ principal, params }) => {
      const id = requireDeliveryId(params.id);
      const result = await cancelQueuedDelivery({
        pool: database.forTenant(principal.tenantId),
        tenantId: principal.tenantId,
        actor: principal.actor,
        id,
        now: clock(),
      });
      if (!result) throw new TidingsError('not_found', 'There is no such delivery.');
      // A second cancellation, such as the repetition of a request whose response was lost, is no error.
      if (result.isCancelled || result.delivery.status === 'cancelled') return result.delivery;
      const message = `The delivery is ${result.delivery.status}; only queued deliveries can be cancelled.`;
      throw new TidingsError('not_cancellable', message);
    },
  );
}

/** Parses the fields to count by, with commas between them. Throws `invalid_request` for an unknown one. */
function parseFields(text: string): readonly CountedField[] {
  return text.split(',').map((name) => {
    const field = COUNTED_FIELDS.find((one) => one === name);
    if (field) return field;
    throw new TidingsError('invalid_request', `count_by names ${COUNTED_FIELDS.join(', ')}, with commas.`, {
      pointer: 'count_by',
    });
  });
}

/** Throws `not_found` unless the id is `NOTIFICATION_ID.CHANNEL`, or with `.TARGET`, with a channel that exists. */
function requireDeliveryId(text: string): DeliveryId {
  const id = parseDeliveryId(text);
  if (!id) throw new TidingsError('not_found', 'There is no such delivery; an id is NOTIFICATION_ID.CHANNEL.');
  return id;
}
