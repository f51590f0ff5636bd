import { CHANNELS, type Channel, OVERDUE_AFTER_MS } from '../../model/delivery.ts';
import { loadOverdue, MAX_OVERDUE_COUNT } from '../../store/deliveries/overdue.ts';
import { listRouteMoves } from '../../store/route-moves.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { findOpenCircuits } from '../open-circuits.ts';
import { queueState } from '../schemas/queue.ts';

/** Routes for what holds up the queues. */
export function registerQueueRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, clock } = dependencies;
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
        circuits: [...(await findOpenCircuits(dependencies, principal.tenantId))],
      };
    },
  );
}
