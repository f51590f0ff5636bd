import type { JobActionName } from '../model/job.ts';
import type { JobAction } from './action.ts';
import { cancelDeliveriesAction } from './cancel-deliveries.ts';
import { cancelDeadLettersAction, retryDeadLettersAction, suppressDeadLettersAction } from './dead-letters.ts';
import { eraseUserAction } from './erase-user.ts';
import { dismissRejectedAction, retryRejectedAction } from './rejected.ts';
import { replayWebhooksAction } from './replay-webhooks.ts';
import { retryDeliveriesAction } from './retry-deliveries.ts';
import { dismissWaitsAction, retryWaitsAction } from './set-aside-waits.ts';
import { cancelWaitsAction, fireWaitsAction, migrateWaitsAction } from './waits.ts';

// biome-ignore lint/suspicious/noExplicitAny: the filter is the one that the API has validated for this action
export const ACTIONS: { readonly [action in JobActionName]: JobAction<any> } = {
  'deliveries.retry': retryDeliveriesAction,
  'deliveries.cancel': cancelDeliveriesAction,
  'webhooks.replay': replayWebhooksAction,
  'waits.cancel': cancelWaitsAction,
  'waits.migrate': migrateWaitsAction,
  'waits.retry': retryWaitsAction,
  'waits.dismiss': dismissWaitsAction,
  'waits.fire': fireWaitsAction,
  'rejected.retry': retryRejectedAction,
  'rejected.dismiss': dismissRejectedAction,
  'dead_letters.retry': retryDeadLettersAction,
  'dead_letters.cancel': cancelDeadLettersAction,
  'dead_letters.suppress': suppressDeadLettersAction,
  'users.erase': eraseUserAction,
};
