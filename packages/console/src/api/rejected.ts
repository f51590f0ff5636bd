import type { JsonObject, RejectedGroups, RejectedPage } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import type { IngestResponse } from './types.ts';

/** Returns a page of rejected events, newest first, of a source if it is given. `after`: the `next` of the previous page, null for the first. */
export const getRejectedEvents = (source: string | null, after: string | null): Promise<RejectedPage> =>
  callApi(`events/rejected?${buildQuery({ source, limit: '50', after })}`);

/** Retries a rejected event unchanged. A repeated rejection is returned in the response, not thrown. */
export const retryRejectedEvent = (id: string): Promise<IngestResponse> =>
  callApi(`events/rejected/${encodeURIComponent(id)}/retry`, 'POST', undefined, isIngestResponse);

/** Corrects a rejected event by a JSON merge patch. A repeated rejection is returned in the response, not thrown. */
export const correctRejectedEvent = (id: string, patch: JsonObject): Promise<IngestResponse> =>
  callApi(`events/rejected/${encodeURIComponent(id)}/correct`, 'POST', { patch }, isIngestResponse);

/** Deletes a rejected event. */
export const dismissRejectedEvent = (id: string): Promise<unknown> =>
  callApi(`events/rejected/${encodeURIComponent(id)}/dismiss`, 'POST');

/** Returns the largest groups of rejected events. */
export const getRejectedGroups = (): Promise<RejectedGroups> => callApi('events/rejected/groups');

function isIngestResponse(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'results' in body;
}
