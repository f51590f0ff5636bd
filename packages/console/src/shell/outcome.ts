/* Color, icon and label of each outcome, status and channel, the same on every page. */

import type { Attempt, Delivery, Wait } from '@tidings/client/types';
import { getSubstitute } from '../../../../src/model/delivery.ts';
import { isHoldOver } from '../../../../src/model/hold-codes.ts';
import type { Channel, DeliveryStatus, Outcome } from '../api/types.ts';
import { t } from '../text/text.ts';
import { CHANNEL_LABELS } from './channel-labels.ts';
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
  send: { label: t('Send'), color: 'teal', Icon: IconCheck },
  suppressed: { label: t('Suppressed'), color: 'orange', Icon: IconPause },
  not_matched: { label: t('Not matched'), color: 'gray', Icon: IconCircle },
  scheduled: { label: t('Scheduled'), color: 'blue', Icon: IconClock },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
  failed: { label: t('Failed'), color: 'red', Icon: IconAlert },
  acted: { label: t('Acted'), color: 'teal', Icon: IconChecks },
};

export const WAITS: Record<Wait['status'], Look> = {
  waiting: { label: t('Waiting'), color: 'blue', Icon: IconClock },
  fired: { label: t('Fired'), color: 'gray', Icon: IconCheck },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
};

/** Look of a wait that could not be fired. */
export const SET_ASIDE: Look = { label: t('Set aside'), color: 'red', Icon: IconAlertOctagon };

export const STATUSES: Record<DeliveryStatus, Look> = {
  queued: { label: t('Queued'), color: 'blue', Icon: IconClock },
  sending: { label: t('Being sent'), color: 'ink', Icon: IconSend },
  sent: { label: t('Sent'), color: 'teal', Icon: IconCheck },
  sandboxed: { label: t('Sandboxed'), color: 'gray', Icon: IconArchive },
  undeliverable: { label: t('Undeliverable'), color: 'orange', Icon: IconMailOff },
  dropped: { label: t('Dropped'), color: 'gray', Icon: IconFilter },
  dead: { label: t('Dead'), color: 'red', Icon: IconAlertOctagon },
  in_doubt: { label: t('In doubt'), color: 'grape', Icon: IconHelp },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
};

const ATTEMPTS: Record<Attempt['outcome'], Look> = {
  sent: { label: t('Sent'), color: 'teal', Icon: IconCheck },
  sandboxed: { label: t('Sandboxed'), color: 'gray', Icon: IconArchive },
  retry: { label: t('Retryable failure'), color: 'orange', Icon: IconClock },
  rejected: { label: t('Rejected'), color: 'red', Icon: IconBan },
  address_dead: { label: t('Dead address'), color: 'red', Icon: IconMailOff },
  misconfigured: { label: t('Misconfigured'), color: 'red', Icon: IconAlert },
  in_doubt: { label: t('In doubt'), color: 'grape', Icon: IconHelp },
  undeliverable: { label: t('Undeliverable'), color: 'orange', Icon: IconMailOff },
};

/** Looks of messages that were accepted, and did not go to their channel. */
const SUBSTITUTES = {
  discarded: { label: t('Discarded'), color: 'gray', Icon: IconArchive },
  logged: { label: t('Logged'), color: 'gray', Icon: IconArchive },
} satisfies Record<string, Look>;

/** Looks of messages that the provider accepted, by what it reported afterwards. */
const RECEIPTS: Record<NonNullable<Delivery['receipt_state']>, Look> = {
  delivered: { label: t('Delivered'), color: 'teal', Icon: IconChecks },
  partly_delivered: { label: t('Partly delivered'), color: 'orange', Icon: IconAlert },
  unconfirmed: { label: t('Sent, unconfirmed'), color: 'gray', Icon: IconHelp },
  bounced: { label: t('Bounced'), color: 'red', Icon: IconMailOff },
  failed: { label: t('Not delivered'), color: 'red', Icon: IconAlertOctagon },
  complained: { label: t('Complained'), color: 'orange', Icon: IconAlert },
};

/** Look of a queued message that waits for more than its turn. */
const HELD: Look = { label: t('Held'), color: 'blue', Icon: IconPause };

type Queued = Partial<Pick<Delivery, 'hold_code'>> & { readonly due_at?: string | null };

/** Returns the code of what holds a queued delivery; null: nothing does, or it is over. */
export function getHold({ hold_code: code = null, due_at: dueAt = null }: Queued): string | null {
  return code !== null && dueAt !== null && isHoldOver(code, Date.parse(dueAt), Date.now()) ? null : code;
}

/** Returns the look of a delivery. It is green only if the message went to its channel, and no receipt says otherwise. */
export function getDeliveryLook(
  delivery: Pick<Delivery, 'status' | 'provider' | 'channel'> & Partial<Pick<Delivery, 'receipt_state'>> & Queued,
): Look {
  const { status, provider, channel, receipt_state: receipt = null } = delivery;
  const hold = getHold(delivery);
  if (hold !== null && hold !== 'fallback') return HELD;
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

export const CHANNELS: Record<Channel, { label: string; Icon: typeof IconCheck }> = {
  email: { label: CHANNEL_LABELS.email, Icon: IconMail },
  sms: { label: CHANNEL_LABELS.sms, Icon: IconMessage },
  push: { label: CHANNEL_LABELS.push, Icon: IconBell },
  in_app: { label: CHANNEL_LABELS.in_app, Icon: IconInbox },
  webhook: { label: CHANNEL_LABELS.webhook, Icon: IconWebhook },
  chat: { label: CHANNEL_LABELS.chat, Icon: IconMessage },
  internal: { label: CHANNEL_LABELS.internal, Icon: IconLoudspeaker },
};

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
