import { type DeliveryStatus, getSubstitute } from './delivery.ts';
import type { ReceiptState } from './receipt.ts';

/** Parts of a delivery that count for the state of its notification. */
export interface CountedDelivery {
  readonly channel: string;
  /** Counts for webhooks: each endpoint is a recipient of its own, and the devices of a user are not. */
  readonly target: string;
  readonly status: DeliveryStatus;
  readonly provider: string | null;
  readonly receipt_state: ReceiptState | null;
  /** Place among the channels that are tried one after the other, from 1; absent: it does not wait for others. */
  readonly step?: number;
}

/** States of a notification that was made, by what became of its deliveries. */
export type StateOfDeliveries = 'accepted' | 'sent' | 'partly' | 'in_doubt' | 'failed' | 'dropped' | 'cancelled';

/**
 * Returns the state of a notification by its deliveries. Channels that are tried one after the other count as one: where a later
 * one reached the user, nothing failed. So do the devices of a user. An address that the user does not have fails only a
 * notification that went nowhere else.
 */
export function getStateOfDeliveries(deliveries: readonly CountedDelivery[]): StateOfDeliveries {
  const has = (...some: readonly DeliveryStatus[]) => deliveries.some(({ status }) => some.includes(status));
  if (has('queued', 'sending')) return 'accepted';
  const ways = [...groupByWay(deliveries).values()];
  const missed = ways.filter((way) => way.some(hasMissed) && !way.some(hasLeft) && !way.some(isKeptHere)).flat();
  if (deliveries.some(hasLeft)) return missed.length > 0 ? 'partly' : 'sent';
  if (missed.some(({ status }) => status === 'in_doubt')) return 'in_doubt';
  if (missed.length > 0) return 'failed';
  if (deliveries.some(isKeptHere)) return 'sent';
  if (has('undeliverable')) return 'failed';
  return has('cancelled') ? 'cancelled' : 'dropped';
}

/** Whether the message went to its channel, and no receipt says that it did not arrive. */
function hasLeft(delivery: CountedDelivery): boolean {
  return delivery.status === 'sent' && !isSubstituted(delivery) && !hasBounced(delivery);
}

/** Whether it was sandboxed, discarded or logged: it went nowhere, as was wanted. */
function isKeptHere(delivery: CountedDelivery): boolean {
  return delivery.status === 'sandboxed' || (delivery.status === 'sent' && isSubstituted(delivery));
}

/** Whether it failed, or may have, for another reason than that the user has no address of its channel. */
export function hasMissed(delivery: CountedDelivery): boolean {
  return delivery.status === 'dead' || delivery.status === 'in_doubt' || hasBounced(delivery);
}

function isSubstituted({ provider, channel }: CountedDelivery): boolean {
  return getSubstitute(provider, channel) !== undefined;
}

function hasBounced({ receipt_state: receipt }: CountedDelivery): boolean {
  return receipt === 'bounced' || receipt === 'failed';
}

function groupByWay(deliveries: readonly CountedDelivery[]): Map<string, CountedDelivery[]> {
  const ways = new Map<string, CountedDelivery[]>();
  for (const delivery of deliveries) {
    const { channel, target, step } = delivery;
    const way = step === undefined ? `${channel} ${channel === 'webhook' ? target : ''}` : 'steps';
    const known = ways.get(way);
    if (known) known.push(delivery);
    else ways.set(way, [delivery]);
  }
  return ways;
}
