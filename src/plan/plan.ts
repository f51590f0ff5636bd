import type { NotificationType } from '../model/catalog.ts';
import type { Channel, InDoubtPolicy } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** What happens to one notification on one channel. */
export interface ChannelPlan {
  readonly channel: Channel;
  readonly dueAt: Millis;
  /** After this, trying again is given up. */
  readonly giveUpAt: Millis;
  readonly inDoubt: InDoubtPolicy;
}

/** Per channel of the notification type: when it goes out. @param only the rule's choice among them; absent: all */
export function planNotification(
  type: NotificationType,
  only: readonly Channel[] | undefined,
  now: Millis,
): ChannelPlan[] {
  const channels = only ? type.channels.filter((channel) => only.includes(channel)) : type.channels;
  return channels.map((channel) => ({
    channel,
    dueAt: now,
    giveUpAt: now + type.maxAge,
    inDoubt: type.inDoubt,
  }));
}
