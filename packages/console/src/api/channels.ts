import type { CostSummary, ProviderAccountList, RouteStates, SendingState, WebhookPage } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Returns the accounts with providers, in order of choice. */
export const getAccounts = (): Promise<ProviderAccountList> => callApi('provider-accounts');

/** Returns the accounts with their circuits and limits, and how emails fare. */
export const getSending = (): Promise<SendingState> => callApi('sending');

/** Returns by which accounts the messages of each channel go at present. */
export const getRoutes = (): Promise<RouteStates> => callApi('routes');

/** Returns the costs of the last `days` days, of each day, by `group`. */
export function getCosts(group: string, days: number): Promise<CostSummary> {
  const from = new Date(Date.now() - (days - 1) * 86_400_000).toISOString().slice(0, 10);
  return callApi(`costs?${buildQuery({ by: `day,${group}`, from })}`);
}

/** Returns a page of 50 endpoints of webhooks, newest first. `after`: as for `getAudit`. */
export const getWebhooks = (after: string | null): Promise<WebhookPage> =>
  callApi(`webhooks?${buildQuery({ limit: '50', after })}`);
