import type { DeliverySummary } from '@tidings/client/types';
import { getStateOfDeliveries, hasMissed } from '../../../../src/model/notification-state.ts';
import type { DeliveryStatus } from '../api/types.ts';
import { t } from '../text/text.ts';
import { IconAlert } from './icons.tsx';
import { getDeliveryLook, getHold, type Look } from './outcome.ts';

type Counted = Pick<
  DeliverySummary,
  'channel' | 'target' | 'status' | 'provider' | 'receipt_state' | 'step' | 'hold_code' | 'due_at'
>;

/** Look of a notification that reached its user on one channel, and failed on another or may have. */
export const PARTLY: Look = { label: t('Partly'), color: 'orange', Icon: IconAlert };

/** Statuses whose deliveries say most about a state, the most telling first. */
const TELLING = {
  accepted: ['sending', 'queued'],
  sent: ['sent', 'sandboxed'],
  in_doubt: ['in_doubt'],
  failed: ['dead', 'sent', 'undeliverable'],
  dropped: ['dropped'],
  cancelled: ['cancelled'],
} satisfies Record<string, readonly DeliveryStatus[]>;

/**
 * Returns the look of a notification by its deliveries, the same on every page: that of the delivery that says most about its
 * state. It is green only if a message went to its channel and nothing failed. Undefined: there are no deliveries.
 */
export function getLookOfDeliveries(deliveries: readonly Counted[]): Look | undefined {
  if (deliveries.length > 0 && getStateOfDeliveries(deliveries) === 'partly') return PARTLY;
  const telling = getTellingDelivery(deliveries);
  return telling && getDeliveryLook(telling);
}

/** Returns the delivery that says most about the state of a notification. Undefined: there are no deliveries. */
export function getTellingDelivery<One extends Counted>(deliveries: readonly One[]): One | undefined {
  if (deliveries.length === 0) return undefined;
  const state = getStateOfDeliveries(deliveries);
  const telling = TELLING[state === 'partly' ? 'sent' : state]
    .flatMap((status: DeliveryStatus) => deliveries.filter((one) => one.status === status))
    .sort((one, other) => weighHold(one) - weighHold(other))
    .filter((one) => one.status !== 'sent' || hasMissed(one) === (state === 'failed'));
  // A gray one is that of a message that went nowhere.
  return telling.find((one) => getDeliveryLook(one).color !== 'gray') ?? telling[0];
}

/** A message that goes now says most, and one whose turn is after a held one says least. */
function weighHold(delivery: Counted): number {
  const code = getHold(delivery);
  return code === null ? 0 : code === 'fallback' ? 2 : 1;
}
