import { z } from 'zod';
import { CHANNELS, OVERDUE_AFTER_MS } from '../../model/delivery.ts';
import { loadOverdue, MAX_OVERDUE_COUNT, QUEUES } from '../../store/deliveries/overdue.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { problemSchema, timestamp } from './schemas.ts';

const overdue = z.object({
  queue: z.enum(QUEUES),
  channel: z.string().nullable().describe('The channel of deliveries; null for another queue'),
  count: z.number(),
  has_more: z.boolean().describe(`True if only the first ${MAX_OVERDUE_COUNT} were counted`),
  oldest_due_at: timestamp,
});

const circuit = z.object({
  provider: z.string(),
  domain: z.string().nullable().describe('Of the recipients; null: the provider itself'),
  since: timestamp,
  cause: z.string(),
  next_probe_at: timestamp,
});

const queueResponse = z.object({
  overdue: z.array(overdue).describe(`Work that has been due for ${OVERDUE_AFTER_MS / 1000} s and is not claimed`),
  circuits: z
    .array(circuit)
    .nullable()
    .describe('Circuits of the workers of this process that are not closed; null: it runs no workers'),
});

/** Routes for what holds up the queues. */
export function registerQueueRoutes(app: App, { database, clock, listOpenCircuits }: HttpDependencies): void {
  app.get(
    '/api/v1/queue',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        summary: 'Show overdue work by queue and channel, and open circuits',
        tags: ['deliveries'],
        response: { 200: queueResponse, '4xx': problemSchema },
      },
    },
    async ({ principal }) => {
      const now = clock();
      const found = await loadOverdue(database.forTenant(principal.tenantId), {
        tenantId: principal.tenantId,
        channels: CHANNELS,
        before: now - OVERDUE_AFTER_MS,
        now,
      });
      return {
        overdue: found.map(({ queue, channel, count, oldest }) => ({
          queue,
          channel,
          count,
          has_more: count >= MAX_OVERDUE_COUNT,
          oldest_due_at: isoTime(oldest),
        })),
        circuits: listOpenCircuits === undefined ? null : [...listOpenCircuits()],
      };
    },
  );
}
