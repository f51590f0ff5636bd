import { useQuery } from '@tanstack/react-query';
import type { NotificationPage } from '@tidings/client/types';
import { getNotificationsOf } from '../api/notifications.ts';

const POLL_MS = 15_000;

/** Returns the latest notifications of a user that failed, and those that reached them by one channel only; undefined: not loaded. */
export function useFailures(userId: string): Partial<Record<'failed' | 'partly', NotificationPage>> {
  const failed = useNotificationsIn('failed', userId);
  const partly = useNotificationsIn('partly', userId);
  return { ...(failed && { failed }), ...(partly && { partly }) };
}

function useNotificationsIn(state: 'failed' | 'partly', userId: string): NotificationPage | undefined {
  return useQuery({
    queryKey: ['notifications', state, userId],
    queryFn: () => getNotificationsOf(userId, state, null),
    meta: { topics: ['notifications', 'deliveries'], every: POLL_MS },
  }).data;
}
