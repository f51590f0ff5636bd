import { describeCircuit, MAX_REPORTED_CIRCUITS } from '../../delivery/open-circuit.ts';
import { CHANNELS, type Channel, OVERDUE_AFTER_MS } from '../../model/delivery.ts';
import { listCircuits } from '../../store/deliveries/circuits.ts';
import { loadOverdue, MAX_OVERDUE_COUNT } from '../../store/deliveries/overdue.ts';
import { listRouteMoves } from '../../store/route-moves.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { queueState } from '../schemas/queue.ts';

/** Routes for what holds up the queues. */
export function registerQueueRoutes(app: App, { database, clock, listOpenCircuits }: HttpDependencies): void {
  app.get(
    '/api/v1/queue',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getQueue',
        summary: 'Show overdue work by queue and channel, open circuits, and accounts that fail',
        tags: ['deliveries'],
        response: { 200: queueState },
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
      // Without workers of its own, this process knows those that are stored.
      const stored = listOpenCircuits
        ? []
        : await listCircuits(database.forTenant(principal.tenantId), {
            tenantId: principal.tenantId,
            limit: MAX_REPORTED_CIRCUITS,
          });
      const moves = await listRouteMoves(database.forTenant(principal.tenantId), principal.tenantId);
      return {
        overdue: found.map(({ queue, channel, count, oldest }) => ({
          queue,
          channel: channel as Channel | null,
          count,
          has_more: count >= MAX_OVERDUE_COUNT,
          oldest_due_at: isoTime(oldest),
        })),
        moves: moves.map(({ channel, account, share, since, movedAt, cause }) => ({
          channel,
          account,
          share,
          since: isoTime(since),
          moved_at: isoTime(movedAt),
          cause,
        })),
        circuits: listOpenCircuits
          ? [...listOpenCircuits(principal.tenantId)]
          : stored.map((circuit) => describeCircuit(circuit, now)),
      };
    },
  );
}
