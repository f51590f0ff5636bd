import type { NotificationType } from '../model/catalog.ts';
import type { Channel, InDoubtPolicy } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** The planned delivery of one notification on one channel. */
export interface ChannelPlan {
  readonly channel: Channel;
  readonly dueAt: Millis;
  /** End of the retries. */
  readonly retryUntil: Millis;
  readonly inDoubt: InDoubtPolicy;
}

/**
 * Plans one delivery per channel of the notification type, in the order of its channels.
 * @param only channels selected by the rule; absent: all
 */
export function planNotification(
  type: NotificationType,
  only: readonly Channel[] | undefined,
  now: Millis,
): ChannelPlan[] {
  const channels = only ? type.channels.filter((channel) => only.includes(channel)) : type.channels;
  return channels.map((channel) => ({
    channel,
    dueAt: now,
    retryUntil: now + type.maxAge,
    inDoubt: type.inDoubt,
  }));
}
