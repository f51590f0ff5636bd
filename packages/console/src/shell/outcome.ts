/* Color, icon and label of each outcome, status and channel, the same on every page. */

import type { Attempt, Delivery, Wait } from '@tidings/client/types';
import { CHANNEL_DESCRIPTORS } from '../../../../src/model/channels/channels.ts';
import { getSubstitute } from '../../../../src/model/delivery.ts';
import type { Channel, DeliveryStatus, Outcome } from '../api/types.ts';
import {
  IconAlert,
  IconAlertOctagon,
  IconArchive,
  IconBan,
  IconBell,
  IconCheck,
  IconChecks,
  IconCircle,
  IconClock,
  IconFilter,
  IconHelp,
  IconInbox,
  IconLoudspeaker,
  IconMail,
  IconMailOff,
  IconMessage,
  IconPause,
  IconSend,
  IconWebhook,
} from './icons.tsx';

export interface Look {
  readonly label: string;
  /** A color of the Mantine theme. */
  readonly color: string;
  readonly Icon: typeof IconCheck;
}

export const OUTCOMES: Record<Outcome, Look> = {
  send: { label: 'Send', color: 'teal', Icon: IconCheck },
  suppressed: { label: 'Suppressed', color: 'orange', Icon: IconPause },
  not_matched: { label: 'Not matched', color: 'gray', Icon: IconCircle },
  scheduled: { label: 'Scheduled', color: 'blue', Icon: IconClock },
  cancelled: { label: 'Cancelled', color: 'gray', Icon: IconBan },
  failed: { label: 'Failed', color: 'red', Icon: IconAlert },
  acted: { label: 'Acted', color: 'teal', Icon: IconChecks },
};

export const WAITS: Record<Wait['status'], Look> = {
  waiting: { label: 'Waiting', color: 'blue', Icon: IconClock },
  fired: { label: 'Fired', color: 'gray', Icon: IconCheck },
  cancelled: { label: 'Cancelled', color: 'gray', Icon: IconBan },
};

/** Look of a wait that could not be fired. */
export const SET_ASIDE: Look = { label: 'Set aside', color: 'red', Icon: IconAlertOctagon };

export const STATUSES: Record<DeliveryStatus, Look> = {
  queued: { label: 'Queued', color: 'blue', Icon: IconClock },
  sending: { label: 'Sending', color: 'ink', Icon: IconSend },
  sent: { label: 'Sent', color: 'teal', Icon: IconCheck },
  sandboxed: { label: 'Sandboxed', color: 'gray', Icon: IconArchive },
  undeliverable: { label: 'Undeliverable', color: 'orange', Icon: IconMailOff },
  dropped: { label: 'Dropped', color: 'gray', Icon: IconFilter },
  dead: { label: 'Dead', color: 'red', Icon: IconAlertOctagon },
  in_doubt: { label: 'In doubt', color: 'grape', Icon: IconHelp },
  cancelled: { label: 'Cancelled', color: 'gray', Icon: IconBan },
};

const ATTEMPTS: Record<Attempt['outcome'], Look> = {
  sent: { label: 'Sent', color: 'teal', Icon: IconCheck },
  sandboxed: { label: 'Sandboxed', color: 'gray', Icon: IconArchive },
  retry: { label: 'Retryable failure', color: 'orange', Icon: IconClock },
  rejected: { label: 'Rejected', color: 'red', Icon: IconBan },
  address_dead: { label: 'Dead address', color: 'red', Icon: IconMailOff },
  misconfigured: { label: 'Misconfigured', color: 'red', Icon: IconAlert },
  in_doubt: { label: 'In doubt', color: 'grape', Icon: IconHelp },
  undeliverable: { label: 'Undeliverable', color: 'orange', Icon: IconMailOff },
};

/** Looks of messages that were accepted, and did not go to their channel. */
const SUBSTITUTES = {
  discarded: { label: 'Discarded', color: 'gray', Icon: IconArchive },
  logged: { label: 'Logged', color: 'gray', Icon: IconArchive },
} satisfies Record<string, Look>;

/** Looks of messages that the provider accepted, by what it reported afterwards. */
const RECEIPTS: Record<NonNullable<Delivery['receipt_state']>, Look> = {
  delivered: { label: 'Delivered', color: 'teal', Icon: IconChecks },
  partly_delivered: { label: 'Partly delivered', color: 'orange', Icon: IconAlert },
  unconfirmed: { label: 'Sent, unconfirmed', color: 'gray', Icon: IconHelp },
  bounced: { label: 'Bounced', color: 'red', Icon: IconMailOff },
  failed: { label: 'Not delivered', color: 'red', Icon: IconAlertOctagon },
  complained: { label: 'Complained', color: 'orange', Icon: IconAlert },
};

/** Returns the look of a delivery. It is green only if the message went to its channel, and no receipt says otherwise. */
export function getDeliveryLook({
  status,
  provider,
  channel,
  receipt_state: receipt = null,
}: Pick<Delivery, 'status' | 'provider' | 'channel'> & Partial<Pick<Delivery, 'receipt_state'>>): Look {
  if (status !== 'sent') return getLook(STATUSES, status);
  const substitute = getSubstitute(provider, channel);
  if (substitute) return SUBSTITUTES[substitute];
  return receipt === null ? STATUSES.sent : getLook(RECEIPTS, receipt);
}

/** Returns the look of an attempt on a channel; see `getDeliveryLook`. */
export function getAttemptLook({ outcome, provider }: Attempt, channel: Channel): Look {
  const substitute = outcome === 'sent' ? getSubstitute(provider, channel) : undefined;
  return substitute ? SUBSTITUTES[substitute] : getLook(ATTEMPTS, outcome);
}

const CHANNEL_ICONS: Record<Channel, typeof IconCheck> = {
  email: IconMail,
  sms: IconMessage,
  push: IconBell,
  in_app: IconInbox,
  webhook: IconWebhook,
  chat: IconMessage,
  internal: IconLoudspeaker,
};

export const CHANNELS = Object.fromEntries(
  Object.values(CHANNEL_DESCRIPTORS).map(({ name, label }) => [
    name,
    { label: `${label.charAt(0).toUpperCase()}${label.slice(1)}`, Icon: CHANNEL_ICONS[name] },
  ]),
) as Record<Channel, { label: string; Icon: typeof IconCheck }>;

/**
 * Returns the text shade of a theme color: dark in the light scheme, light in the dark scheme, with a contrast of at least
 * 4.5 also on a tint of the same color.
 */
export function getTextColor(color: string): string {
  const dark = `color-mix(in srgb, var(--mantine-color-${color}-9) 78%, black)`;
  return `light-dark(${dark}, var(--mantine-color-${color}-3))`;
}

const UNKNOWN: Look = { label: '', color: 'gray', Icon: IconHelp };

/** Returns the look of a word. An unknown word, as from a newer API, is its own label. */
export function getLook<Word extends string>(looks: Record<Word, Look>, word: Word): Look {
  return looks[word] ?? { ...UNKNOWN, label: word };
}
