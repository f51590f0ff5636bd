import type { SuppressionPage } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Returns a page of 50 addresses that get no messages, newest first. `after`: as for `getAudit`. */
export const getSuppressions = (after: string | null): Promise<SuppressionPage> =>
  callApi(`suppressions?${buildQuery({ limit: '50', after })}`);

/** Returns a page of 50 suppressions of the addresses of a user, newest first. `after`: as for `getAudit`. */
export const getSuppressionsOf = (userId: string, after: string | null): Promise<SuppressionPage> =>
  callApi(`suppressions?${buildQuery({ limit: '50', user_id: userId, after })}`);
