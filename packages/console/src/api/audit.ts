import type { ActivityEvent, CorrelatedPage, Explanation } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import type { Audit } from './types.ts';

/** Returns the latest events of all users, newest first. `limit`: 1 to 200. */
export const getActivity = (limit: number): Promise<{ events: ActivityEvent[] }> => callApi(`activity?limit=${limit}`);

/** Returns a page of 50 events of a user. `after`: the `next` of the previous page, null for the first. */
export const getAudit = (userId: string, after: string | null): Promise<Audit> =>
  callApi(`audit/${encodeURIComponent(userId)}?${buildQuery({ limit: '50', after })}`);

/** A page of the events of a user beside others, or around an event. */
export interface AuditPlace {
  /** Id of an event, which is then in the middle of the page. */
  readonly around?: string;
  /** The `next` of the page before. */
  readonly after?: string;
  /** The `previous` of the page after. */
  readonly before?: string;
}

/** Returns a page of 50 events of a user. Throws a Problem `not_found` if the user has no event with the id of `around`. */
export const getAuditAt = (userId: string, place: AuditPlace): Promise<Audit> =>
  callApi(`audit/${encodeURIComponent(userId)}?${buildQuery({ limit: '50', ...place })}`);

/** Returns the profile of a user, and their latest event. */
export const getLatestAudit = (userId: string): Promise<Audit> =>
  callApi(`audit/${encodeURIComponent(userId)}?limit=1`);

/** Returns a page of 50 events and notifications of a correlation id, of all users, newest first. `after`: as for `getAudit`. */
export const getCorrelated = (correlationId: string, after: string | null): Promise<CorrelatedPage> =>
  callApi(`audit?${buildQuery({ correlation_id: correlationId, limit: '50', after })}`);

/** Returns why the user received a notification type, or did not. */
export const getExplanation = (userId: string, type: string): Promise<Explanation> =>
  callApi(`explain/${encodeURIComponent(userId)}/${encodeURIComponent(type)}`);
