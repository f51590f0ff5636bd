import { getRetryPeriod } from '../delivery/delivery-admin.ts';
import type { DeliveryFilter } from '../model/job.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import { previewDeliveries, retryDeliveries, type StoppedPosition, scanStopped } from '../store/jobs/delivery-jobs.ts';
import type { JobAction } from './action.ts';

/** Deliveries that a chunk looks at, matching or not. */
const MAX_SCANNED = 2000;

/** Queues deliveries again that ended without being sent, each once: a delivery that fails again is not retried again. */
export const retryDeliveriesAction: JobAction<DeliveryFilter> = {
  preview: ({ pool }, scope) => previewDeliveries(pool, scope, 'stopped'),

  async runChunk({ pool, catalogs, clock }, { scope, cursor, limit }, commit) {
    const { rules } = await catalogs.refresh(scope.tenantId);
    let queued = 0;
    await commit(async (connection) => {
      const after = cursor as unknown as StoppedPosition | null;
      const scanned = await scanStopped(connection, scope, after, MAX_SCANNED);
      const { chosen, last } = chooseMatching(scanned, limit);
      const retryFor = chosen.map(({ type }) => getRetryPeriod(rules, type));
      queued = await retryDeliveries(connection, scope, chosen, retryFor, clock());
      const isLast = scanned.length < MAX_SCANNED && last === scanned.at(-1);
      return {
        cursor: isLast || !last ? null : toPosition(last),
        done: queued,
        // Changed since the page was read.
        skipped: chosen.length - queued,
        failures: [],
      };
    });
    if (queued > 0) await announceDeliveries(pool);
  },
};

function toPosition({ notificationId, channel, target }: StoppedPosition) {
  return { notificationId, channel, target };
}

/** Returns the first `limit` items that match, and the last item that was looked at for them; undefined: the page is empty. */
export function chooseMatching<T extends { readonly matches: boolean }>(
  scanned: readonly T[],
  limit: number,
): { readonly chosen: readonly T[]; readonly last: T | undefined } {
  const chosen: T[] = [];
  for (const item of scanned) {
    if (!item.matches) continue;
    chosen.push(item);
    if (chosen.length === limit) return { chosen, last: item };
  }
  return { chosen, last: scanned.at(-1) };
}
