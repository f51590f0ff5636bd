import type { Job } from '@tidings/client/types';
import type { JobActionName } from '../api/types.ts';

export const ACTION_LABELS: { readonly [action in JobActionName]: string } = {
  'deliveries.retry': 'Retry deliveries',
  'deliveries.cancel': 'Cancel deliveries',
  'waits.cancel': 'Cancel waits',
  'waits.migrate': 'Migrate waits',
  'waits.retry': 'Retry waits set aside',
  'waits.dismiss': 'Dismiss waits set aside',
  'waits.fire': 'Fire waits now',
  'rejected.retry': 'Retry rejected events',
  'rejected.dismiss': 'Dismiss rejected events',
  'webhooks.replay': 'Replay webhooks',
  'dead_letters.retry': 'Retry dead letters',
  'dead_letters.cancel': 'Cancel dead letters',
  'dead_letters.suppress': 'Suppress addresses of dead letters',
  'users.erase': 'Erase a user',
};

/** Formats the counts of a job: `500 of 5,000 done, 2 failed`. */
export function formatJobProgress({ done, matched, matched_exact: isExact, skipped, failed }: Job): string {
  const parts = [`${count(done)} of ${isExact ? '' : 'at least '}${count(matched)} done`];
  if (skipped > 0) parts.push(`${count(skipped)} left as they are`);
  if (failed > 0) parts.push(`${count(failed)} failed`);
  return parts.join(', ');
}

/** Formats a filter: `channel email, status dead`. */
export function formatFilter(filter: Job['filter']): string {
  const parts = Object.entries(filter).map(
    ([name, value]) => `${name.replaceAll('_', ' ')} ${String(value) || '(none)'}`,
  );
  return parts.length === 0 ? 'all' : parts.join(', ');
}

export function count(n: number): string {
  return n.toLocaleString('en-US');
}
