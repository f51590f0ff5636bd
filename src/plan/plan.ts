import type { Channel, InDoubtPolicy, Millis, NotificationType } from '../model.ts';

/** What happens to one notification on one channel. */
export interface ChannelPlan {
  readonly channel: Channel;
  readonly dueAt: Millis;
  /** After this, trying again is given up. */
  readonly giveUpAt: Millis;
  readonly inDoubt: InDoubtPolicy;
}

/** Per channel of the notification type: when it goes out. */
export function planNotification(type: NotificationType, now: Millis): ChannelPlan[] {
  return type.channels.map((channel) => ({
    channel,
    dueAt: now,
    giveUpAt: now + type.maxAge,
    inDoubt: type.inDoubt,
  }));
}
