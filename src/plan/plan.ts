import { DEFAULT_RETRY_MS, type NotificationType, WEBHOOK_RETRY_MS } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { type Channel, getPriorityNumber, type InDoubtPolicy } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** The planned delivery of one notification on one channel. */
export interface ChannelPlan {
  readonly channel: Channel;
  readonly dueAt: Millis;
  /** End of the retries. */
  readonly retryUntil: Millis;
  /** After this the message is of no use; null: it keeps its use. */
  readonly expiresAt: Millis | null;
  readonly inDoubt: InDoubtPolicy;
  /** 0 to 3; see `getPriorityNumber`. */
  readonly priority: number;
  /** Place among channels that are tried one after the other, from 1; null: all channels are used. */
  readonly step: number | null;
  /** `fallback`: the channels before it come first. */
  readonly holdCode: 'fallback' | null;
}

/**
 * Plans one delivery per channel of the notification type, in the order of its channels. Of channels that are tried one after
 * the other, each later one is held until the wait of those before it is over.
 * @param only channels selected by the rule; absent: all
 */
export function planNotification(
  type: NotificationType,
  only: readonly Channel[] | undefined,
  now: Millis,
): ChannelPlan[] {
  const channels = only ? type.channels.filter((channel) => only.includes(channel)) : type.channels;
  const { firstOf } = type;
  return channels.map((channel, index) => ({
    channel,
    dueAt: now + index * (firstOf?.wait ?? 0),
    retryUntil: now + getRetryTime(type, channel) + index * (firstOf?.wait ?? 0),
    expiresAt: type.expiresAfter === undefined ? null : now + type.expiresAfter,
    inDoubt: type.inDoubt,
    priority: getPriorityNumber(type.priority),
    step: firstOf ? index + 1 : null,
    holdCode: firstOf && index > 0 ? 'fallback' : null,
  }));
}

/** Returns the time in ms during which a delivery is retried. */
function getRetryTime({ maxAge }: NotificationType, channel: Channel): Millis {
  const { retriesForDays = false } = CHANNEL_DESCRIPTORS[channel];
  return retriesForDays && maxAge === DEFAULT_RETRY_MS ? WEBHOOK_RETRY_MS : maxAge;
}
