import type {
  DeadLetterGroupPage,
  DeadLetterPage,
  Delivery,
  DeliveryCounts,
  DeliveryPage,
  QueueState,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import type { SentMessage } from './types.ts';

/** Returns a page of 50 deliveries, newest first. `filter`: parameters of the API; null: all. `after`: as for `getAudit`. */
export const getDeliveries = (filter: Record<string, string | null>, after: string | null): Promise<DeliveryPage> =>
  callApi(`deliveries?${buildQuery({ limit: '50', ...filter, after })}`);

/** Counts deliveries by the values of the fields of their filter. */
export const getDeliveryCounts = (filter: Record<string, string | null>): Promise<DeliveryCounts> =>
  callApi(`deliveries/counts?${buildQuery(filter)}`);

/** Returns what holds up the queues. */
export const getQueue = (): Promise<QueueState> => callApi('queue');

/** Returns the first 200 groups of dead letters. */
export const getDeadLetterGroups = (): Promise<DeadLetterGroupPage> => callApi('dead-letters?limit=200');

/** Returns a group with a page of 50 of its dead letters, the latest first. `after`: as for `getAudit`. */
export const getDeadLetters = (group: string, after: string | null): Promise<DeadLetterPage> =>
  callApi(`dead-letters/${encodeURIComponent(group)}?${buildQuery({ limit: '50', after })}`);

/** Queues a delivery again. Throws a Problem with the code `not_retryable` if its status does not allow that. */
export const retryDelivery = (id: string): Promise<Delivery> =>
  callApi(`deliveries/${encodeURIComponent(id)}/retry`, 'POST');

/** Cancels a queued delivery. Throws a Problem with the code `not_cancellable` if its status does not allow that. */
export const cancelDelivery = (id: string): Promise<Delivery> =>
  callApi(`deliveries/${encodeURIComponent(id)}/cancel`, 'POST');

/** Returns the message of a delivery as it was sent. */
export const getMessage = (id: string): Promise<SentMessage> => callApi(`deliveries/${encodeURIComponent(id)}/message`);
