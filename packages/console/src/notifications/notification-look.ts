import type { NotificationSummary } from '@tidings/client/types';
import type { NotificationState } from '../api/types.ts';
import {
  IconAlertOctagon,
  IconBan,
  IconCheck,
  IconClock,
  IconFilter,
  IconHelp,
  IconPause,
  IconSend,
} from '../shell/icons.tsx';
import { getDeliveryLook, getLook, type Look } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

export const NOTIFICATION_STATES: Record<NotificationState, Look> = {
  scheduled: { label: t('Scheduled'), color: 'blue', Icon: IconClock },
  accepted: { label: t('Being sent'), color: 'ink', Icon: IconSend },
  sent: { label: t('Sent'), color: 'teal', Icon: IconCheck },
  in_doubt: { label: t('In doubt'), color: 'grape', Icon: IconHelp },
  failed: { label: t('Failed'), color: 'red', Icon: IconAlertOctagon },
  dropped: { label: t('Dropped'), color: 'gray', Icon: IconFilter },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
  suppressed: { label: t('Suppressed'), color: 'orange', Icon: IconPause },
};

/** Whether a request asked for it, and no rule. */
export function isDirect({ rule }: Pick<NotificationSummary, 'rule'>): boolean {
  return rule === '@direct';
}

/**
 * Returns the look of a notification. It is green only if a message went to its channel: what was sandboxed, discarded or
 * logged went nowhere.
 */
export function getNotificationLook({ state, deliveries }: Pick<NotificationSummary, 'state' | 'deliveries'>): Look {
  if (state !== 'sent') return getLook(NOTIFICATION_STATES, state);
  const accepted = deliveries.filter(({ status }) => status === 'sent' || status === 'sandboxed').map(getDeliveryLook);
  // A gray one is that of a message that went nowhere.
  return accepted.find(({ color }) => color !== 'gray') ?? accepted[0] ?? NOTIFICATION_STATES.sent;
}
