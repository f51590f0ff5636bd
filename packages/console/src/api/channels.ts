import type {
  CostSummary,
  ProviderAccount,
  ProviderAccountList,
  ProviderCheck,
  ProviderList,
  ProviderTestResult,
  RouteStates,
  SendingState,
  WebhookPage,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import type { Channel } from './types.ts';

/** Returns the accounts with providers, in order of choice. */
export const getAccounts = (): Promise<ProviderAccountList> => callApi('provider-accounts');

/** Returns the providers that an account may have. */
export const getProviders = (): Promise<ProviderList> => callApi('providers');

/** Asks the provider whether it lets the account in. */
export const checkAccount = (account: string): Promise<ProviderCheck> =>
  callApi(`provider-accounts/${encodeURIComponent(account)}/check`, 'POST');

/** Has messages go by an account, or not. */
export const setAccountEnabled = (account: string, enabled: boolean): Promise<ProviderAccount> =>
  callApi(`provider-accounts/${encodeURIComponent(account)}`, 'PATCH', { enabled });

/** Has messages of an account go by another one until that is undone; null: by itself again. */
export const setFailover = (account: string, to: string | null): Promise<ProviderAccount> =>
  callApi(`provider-accounts/${encodeURIComponent(account)}`, 'PATCH', { failover_to: to });

/** Sends a plain message to an address by an account. */
export const sendAccountTest = (
  account: string,
  channel: Channel,
  to: { readonly email: string } | { readonly phone: string },
): Promise<ProviderTestResult> =>
  callApi(`provider-accounts/${encodeURIComponent(account)}/test-send`, 'POST', { channel, to });

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
