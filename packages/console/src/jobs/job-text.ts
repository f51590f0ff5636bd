import type { Job } from '@tidings/client/types';
import type { JobActionName } from '../api/types.ts';
import { t } from '../text/text.ts';

export const ACTION_LABELS: { readonly [action in JobActionName]: string } = {
  'deliveries.retry': t('Retry deliveries'),
  'deliveries.cancel': t('Cancel deliveries'),
  'waits.cancel': t('Cancel waits'),
  'waits.migrate': t('Migrate waits'),
  'waits.retry': t('Retry waits set aside'),
  'waits.dismiss': t('Dismiss waits set aside'),
  'waits.fire': t('Fire waits now'),
  'rejected.retry': t('Retry rejected events'),
  'rejected.dismiss': t('Dismiss rejected events'),
  'webhooks.replay': t('Replay webhooks'),
  'dead_letters.retry': t('Retry dead letters'),
  'dead_letters.cancel': t('Cancel dead letters'),
  'dead_letters.suppress': t('Suppress addresses of dead letters'),
  'users.erase': t('Erase a user'),
};

/** Formats the counts of a job: `500 of 5,000 done, 2 failed`. */
export function formatJobProgress({ done, matched, matched_exact: isExact, skipped, failed }: Job): string {
  const parts = [
    isExact
      ? t('{done, number} of {matched, number} done', { done, matched })
      : t('{done, number} of at least {matched, number} done', { done, matched }),
  ];
  if (skipped > 0) parts.push(t('{count, number} left as they are', { count: skipped }));
  if (failed > 0) parts.push(t('{count, number} failed', { count: failed }));
  return parts.join(', ');
}

/** Formats a filter: `channel email, status dead`. */
export function formatFilter(filter: Job['filter']): string {
  const parts = Object.entries(filter).map(
    ([name, value]) => `${name.replaceAll('_', ' ')} ${String(value) || t('(none)')}`,
  );
  return parts.length === 0 ? t('all') : parts.join(', ');
}
