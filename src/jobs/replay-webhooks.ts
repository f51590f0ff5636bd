import { TidingsError } from '../errors.ts';
import { WEBHOOK_RETRY_MS } from '../model/catalog.ts';
import type { ReplayFilter } from '../model/job.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import { previewReplay, replayDeliveries, scanEndpoint } from '../store/webhooks/endpoint-deliveries.ts';
import { loadEndpoint } from '../store/webhooks/endpoints.ts';
import type { JobAction } from './action.ts';
import { chooseMatching } from './retry-deliveries.ts';

/** Deliveries that a chunk looks at, matching or not. */
const MAX_SCANNED = 2000;

/** Sends deliveries of an endpoint once more, oldest first: those that failed or are kept, and those that were sent if asked for. */
export const replayWebhooksAction: JobAction<ReplayFilter> = {
  async check({ pool }, { tenantId, filter }) {
    const endpoint = await loadEndpoint(pool, tenantId, filter.endpoint_id);
    if (!endpoint) {
      throw new TidingsError('not_found', 'There is no such webhook endpoint.', { pointer: '/filter/endpoint_id' });
    }
    if (endpoint.state === 'disabled') {
      const message =
        'The webhook endpoint is disabled, and would keep what is replayed. Set its state to active first.';
      throw new TidingsError('invalid_webhook', message, { pointer: '/filter/endpoint_id' });
    }
  },

  preview: ({ pool }, scope) => previewReplay(pool, scope),

  async runChunk({ pool, clock }, { scope, cursor, limit }, commit) {
    const { tenantId, filter } = scope;
    let queued = 0;
    await commit(async (connection) => {
      const after = (cursor as { readonly after: string } | null)?.after ?? null;
      const scanned = await scanEndpoint(connection, scope, after, MAX_SCANNED);
      const { chosen, last } = chooseMatching(scanned, limit);
      const ids = chosen.map(({ notificationId }) => notificationId);
      const of = { tenantId, endpointId: filter.endpoint_id };
      queued = ids.length === 0 ? 0 : await replayDeliveries(connection, of, ids, clock(), WEBHOOK_RETRY_MS);
      const isLast = scanned.length < MAX_SCANNED && last === scanned.at(-1);
      return {
        cursor: isLast || !last ? null : { after: last.notificationId },
        done: queued,
        // Changed since the page was read.
        skipped: chosen.length - queued,
        failures: [],
      };
    });
    if (queued > 0) await announceDeliveries(pool);
  },
};
