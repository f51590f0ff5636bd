import type { Sink } from '@tidings/client/types';
import { t } from '../text/text.ts';

/** Why a topic is not written, as a part of a sentence. */
export const SINK_PROBLEMS: Record<NonNullable<Sink['problem']>['code'], string> = {
  brokers_away: t('the brokers cannot be used'),
  topic_missing: t('the brokers do not have it'),
  not_authorized: t('the login may not write it'),
  not_allowed: t('the operator no longer allows it'),
  open_transaction: t('a transaction of the database server does not end'),
  failing: t('sends fail'),
};
