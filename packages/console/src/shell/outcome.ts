/* The look of outcomes, statuses and channels: one color, icon and word each, the same on every page. */

import type { Attempt, Channel, DeliveryStatus, Outcome, Wait } from '../api.ts';
import {
  IconAlert,
  IconAlertOctagon,
  IconBan,
  IconBell,
  IconCheck,
  IconChecks,
  IconCircle,
  IconClock,
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
  fired: { label: 'Ended', color: 'gray', Icon: IconCheck },
  cancelled: { label: 'Cancelled', color: 'gray', Icon: IconBan },
};

export const STATUSES: Record<DeliveryStatus, Look> = {
  queued: { label: 'Queued', color: 'blue', Icon: IconClock },
  sending: { label: 'Sending', color: 'ink', Icon: IconSend },
  sent: { label: 'Sent', color: 'teal', Icon: IconCheck },
  undeliverable: { label: 'Undeliverable', color: 'orange', Icon: IconMailOff },
  dead: { label: 'Dead', color: 'red', Icon: IconAlertOctagon },
  in_doubt: { label: 'In doubt', color: 'grape', Icon: IconHelp },
  cancelled: { label: 'Cancelled', color: 'gray', Icon: IconBan },
};

export const ATTEMPTS: Record<Attempt['outcome'], Look> = {
  delivered: { label: 'Delivered', color: 'teal', Icon: IconCheck },
  retry: { label: 'Try again', color: 'orange', Icon: IconClock },
  rejected: { label: 'Rejected', color: 'red', Icon: IconBan },
  in_doubt: { label: 'In doubt', color: 'grape', Icon: IconHelp },
  undeliverable: { label: 'Undeliverable', color: 'orange', Icon: IconMailOff },
};

export const CHANNELS: Record<Channel, { label: string; Icon: typeof IconCheck }> = {
  email: { label: 'Email', Icon: IconMail },
  sms: { label: 'SMS', Icon: IconMessage },
  push: { label: 'Push', Icon: IconBell },
  in_app: { label: 'In-app', Icon: IconInbox },
  webhook: { label: 'Webhook', Icon: IconWebhook },
  internal: { label: 'Internal', Icon: IconLoudspeaker },
};

/** A color of the theme for words: dark on light and light on dark, at a contrast of 4.5 on its own tint too. */
export function getTextColor(color: string): string {
  const dark = `color-mix(in srgb, var(--mantine-color-${color}-9) 78%, black)`;
  return `light-dark(${dark}, var(--mantine-color-${color}-3))`;
}

const UNKNOWN: Look = { label: '', color: 'gray', Icon: IconHelp };

/** The look of a word; one this console is too old to know is shown as it is. */
export function getLook<Word extends string>(looks: Record<Word, Look>, word: Word): Look {
  return looks[word] ?? { ...UNKNOWN, label: word };
}
