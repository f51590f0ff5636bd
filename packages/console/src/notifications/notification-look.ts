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
import { getLook, type Look } from '../shell/outcome.ts';
import { getLookOfDeliveries, PARTLY } from '../shell/outcome-of-deliveries.ts';
import { t } from '../text/text.ts';

export const NOTIFICATION_STATES: Record<NotificationState, Look> = {
  scheduled: { label: t('Scheduled'), color: 'blue', Icon: IconClock },
  accepted: { label: t('Being sent'), color: 'ink', Icon: IconSend },
  sent: { label: t('Sent'), color: 'teal', Icon: IconCheck },
  partly: PARTLY,
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

/** Returns the look of a notification: that of its deliveries, or that of its state before it has deliveries. */
export function getNotificationLook({ state, deliveries }: Pick<NotificationSummary, 'state' | 'deliveries'>): Look {
  return getLookOfDeliveries(deliveries) ?? getLook(NOTIFICATION_STATES, state);
}
