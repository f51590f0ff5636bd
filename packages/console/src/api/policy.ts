import type { LatestConsentPage, PreferenceOverview } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Returns what goes to users who have said nothing, and how many chose otherwise. */
export const getPreferenceOverview = (): Promise<PreferenceOverview> => callApi('preferences');

/** Returns a page of 50 consents of all users, the one that was recorded last first. `after`: as for `getAudit`. */
export const getLatestConsents = (
  filter: { readonly purpose: string | null; readonly channel: string | null; readonly state: string | null },
  after: string | null,
): Promise<LatestConsentPage> => callApi(`consents?${buildQuery({ limit: '50', ...filter, after })}`);
