import type { Wait, WaitingByRule, WaitPage } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Cancels a pending wait. */
export const cancelWait = (id: string): Promise<unknown> => callApi(`waits/${encodeURIComponent(id)}/cancel`, 'POST');

/** Lets a wait be tried again that is set aside. */
export const retryWait = (id: string): Promise<unknown> => callApi(`waits/${encodeURIComponent(id)}/retry`, 'POST');

/** Returns the pending waits of each rule. */
export const getWaitingRules = (): Promise<WaitingByRule> => callApi('waits/rules');

/** Returns a page of 50 pending waits of a rule, or with a key, newest first. Null: of every one. `after`: as for `getAudit`. */
export const getPendingWaits = (rule: string | null, key: string | null, after: string | null): Promise<WaitPage> =>
  callApi(`waits?${buildQuery({ limit: '50', status: 'waiting', rule, key, after })}`);

/** Returns the latest 50 waits of a user, newest first. `status` null: waits of every status. */
export const getWaits = (userId: string, status: Wait['status'] | null): Promise<WaitPage> =>
  callApi(`waits?${buildQuery({ limit: '50', user_id: userId, status })}`);
