import type { SuppressionReason } from '../../../../src/model/suppression.ts';
import { t } from '../text/text.ts';

/** Reasons of suppressions by their codes, as a part of a sentence. */
export const SUPPRESSION_REASONS: Readonly<Record<SuppressionReason, string>> = {
  hard_bounce: t('the address does not exist'),
  soft_bounces: t('messages bounced again and again'),
  complaint: t('a complaint'),
  opted_out: t('the user opted out by SMS'),
  unsubscribed: t('the user unsubscribed'),
  manual: t('added by hand'),
};

/** Returns the messages that a scope stops: "messages of the category MARKETING"; a scope of a newer API as it is. */
export function formatScope(scope: string): string {
  const [kind, ...rest] = scope.split(':');
  const name = rest.join(':');
  if (scope === 'all') return t('all messages');
  if (kind === 'category') return t('messages of the category {name}', { name });
  if (kind === 'type') return t('messages of the type {name}', { name });
  if (kind === 'sender') return t('SMS from {name}', { name });
  return scope;
}
