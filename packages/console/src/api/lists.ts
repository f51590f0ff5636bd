import type {
  ChangedListMembers,
  List,
  ListMemberPage,
  ListPage,
  NewList,
  SegmentPage,
  SegmentPreview,
  SegmentPreviewRequest,
  SegmentUsers,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

const pathOf = (id: string): string => `lists/${encodeURIComponent(id)}`;

/** Returns a page of 50 lists. `after`: as for `getAudit`. */
export const getLists = (after: string | null): Promise<ListPage> =>
  callApi(`lists?${buildQuery({ limit: '50', after })}`);

export const getList = (id: string): Promise<List> => callApi(pathOf(id));

/** Creates a list. Throws a Problem `list_exists` if another one has the name. */
export const createList = (list: NewList): Promise<List> => callApi('lists', 'POST', list);

export const deleteList = (id: string): Promise<unknown> => callApi(pathOf(id), 'DELETE');

/** Returns a page of 100 members of a list, in the order of their ids. `after`: as for `getAudit`. */
export const getMembers = (id: string, after: string | null): Promise<ListMemberPage> =>
  callApi(`${pathOf(id)}/members?${buildQuery({ limit: '100', after })}`);

/** Adds up to 10,000 users to a list. */
export const addMembers = (id: string, userIds: readonly string[]): Promise<ChangedListMembers> =>
  callApi(`${pathOf(id)}/members`, 'POST', { user_ids: userIds });

/** Removes up to 10,000 users from a list. */
export const removeMembers = (id: string, userIds: readonly string[]): Promise<ChangedListMembers> =>
  callApi(`${pathOf(id)}/members/remove`, 'POST', { user_ids: userIds });

/** Returns the segments of the active catalog. */
export const getSegments = (): Promise<SegmentPage> => callApi('segments');

/** Returns a page of 50 users of a segment; it may be short, or empty, and have a `next`. `after`: as for `getAudit`. */
export const getSegmentUsers = (name: string, after: string | null): Promise<SegmentUsers> =>
  callApi(`segments/${encodeURIComponent(name)}/users?${buildQuery({ limit: '50', after })}`);

/** Counts the users of a segment, or of a condition, by at most 5,000 profiles. */
export const previewSegment = (request: SegmentPreviewRequest): Promise<SegmentPreview> =>
  callApi('segments/preview', 'POST', request);
