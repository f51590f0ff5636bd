import type {
  ImportedSuppressions,
  NewSuppression,
  Suppression,
  SuppressionPage,
  SuppressionSearch,
} from '@tidings/client/types';
import { buildQuery, callApi, loadText } from './call.ts';

/** Returns a page of 50 addresses that get no messages, newest first. `reason` null: for any. `after`: as for `getAudit`. */
export const getSuppressions = (reason: Suppression['reason'] | null, after: string | null): Promise<SuppressionPage> =>
  callApi(`suppressions?${buildQuery({ limit: '50', reason, after })}`);

/** Returns a page of 50 suppressions of the addresses of a user, newest first. `after`: as for `getAudit`. */
export const getSuppressionsOf = (userId: string, after: string | null): Promise<SuppressionPage> =>
  callApi(`suppressions?${buildQuery({ limit: '50', user_id: userId, after })}`);

/** Returns the suppressions of an address. It goes in the body: URLs are logged. */
export const searchSuppressions = (search: SuppressionSearch): Promise<SuppressionPage> =>
  callApi('suppressions/search', 'POST', search);

export const addSuppression = (suppression: NewSuppression): Promise<Suppression> =>
  callApi('suppressions', 'POST', suppression);

/** Adds up to 1,000 suppressions, with the reasons that another provider had for them. */
export const importSuppressions = (suppressions: readonly unknown[]): Promise<ImportedSuppressions> =>
  callApi('suppressions/import', 'POST', { suppressions });

/** Lifts a suppression. `note`: why, for the audit log; may be empty. */
export const liftSuppression = (id: string, note: string): Promise<Suppression> =>
  callApi(`suppressions/${encodeURIComponent(id)}/lift`, 'POST', note === '' ? {} : { note });

/** Returns all suppressions as lines of JSON, newest first. `reason` null: for any. */
export const exportSuppressions = (reason: Suppression['reason'] | null): Promise<string> =>
  loadText(`suppressions/export?${buildQuery({ reason })}`);
