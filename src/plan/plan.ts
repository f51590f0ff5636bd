import { DEFAULT_RETRY_MS, type NotificationType, WEBHOOK_RETRY_MS } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { type Channel, getPriorityNumber } from '../model/delivery.ts';
import type { DirectPart } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import type { ChannelPlan } from '../model/plan.ts';

/**
 * Plans one delivery per channel of the notification type, in the order of its channels. Of channels that are tried one after
 * the other, each later one is held until the wait of those before it is over.
 * @param only channels selected by the rule; absent: all
 * @param direct what a request asks for; absent: no request asked for it
 */
export function planNotification(
  type: NotificationType,
  only: readonly Channel[] | undefined,
  now: Millis,
  direct?: Pick<DirectPart, 'channels' | 'priority' | 'expiresAt'>,
): ChannelPlan[] {
  const { firstOf } = type;
  const expiresAt = findExpiry(type, now, direct?.expiresAt);
  const priority = getPriorityNumber(direct?.priority ?? type.priority);
  return selectChannels(type, direct?.channels ?? only).map((channel, index) => ({
    channel,
    dueAt: now + index * (firstOf?.wait ?? 0),
    retryUntil: now + getRetryTime(type, channel) + index * (firstOf?.wait ?? 0),
    expiresAt,
    inDoubt: type.inDoubt,
    priority,
    step: firstOf ? index + 1 : null,
    holdCode: firstOf && index > 0 ? 'fallback' : null,
  }));
}

/** Returns the channels of a type, as far as a rule or a request selects them, in the order of the type. */
export function selectChannels(
  { channels }: NotificationType,
  only: readonly Channel[] | undefined,
): readonly Channel[] {
  return only ? channels.filter((channel) => only.includes(channel)) : channels;
}

/** The earlier of what the type and the request say; null: neither says anything. */
export function findExpiry({ expiresAfter }: NotificationType, now: Millis, asked: Millis | undefined): Millis | null {
  const own = expiresAfter === undefined ? null : now + expiresAfter;
  return asked === undefined ? own : Math.min(asked, own ?? asked);
}

/** Returns the time in ms during which a delivery is retried. */
function getRetryTime({ maxAge }: NotificationType, channel: Channel): Millis {
  const { retriesForDays = false } = CHANNEL_DESCRIPTORS[channel];
  return retriesForDays && maxAge === DEFAULT_RETRY_MS ? WEBHOOK_RETRY_MS : maxAge;
}
