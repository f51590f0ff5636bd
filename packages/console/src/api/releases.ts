import type { NewRelease, Release, ReleasePage, ReleaseStatus, StartedRelease } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Returns a page of 20 releases, the latest first. `after`: as for `getAudit`. */
export const getReleases = (after: string | null): Promise<ReleasePage> =>
  callApi(`releases?${buildQuery({ limit: '20', after })}`);

/** Returns the latest 100 releases, the latest first. */
export const getLatestReleases = (): Promise<ReleasePage> => callApi(`releases?${buildQuery({ limit: '100' })}`);

/** Returns a release with the numbers of both versions, and what the watch says of them. */
export const getRelease = (id: string): Promise<ReleaseStatus> => callApi(toPath(id));

/** Lets a version decide about a share of the users. @param base version that must be the active one; absent: any */
export const startRelease = (release: NewRelease, base?: number): Promise<StartedRelease> =>
  callApi('releases', 'POST', release, () => false, base === undefined ? {} : { 'if-match': `"${base}"` });

/** @param share percentage of the users, larger than before */
export const raiseShare = (id: string, share: number): Promise<Release> =>
  callApi(`${toPath(id)}/share`, 'POST', { share });

/** Makes its version the active one of all users. */
export const finishRelease = (id: string, reason: string): Promise<Release> =>
  callApi(`${toPath(id)}/finish`, 'POST', toEnd(reason));

/** Lets the version before decide about all users again. */
export const rollBackRelease = (id: string, reason: string): Promise<Release> =>
  callApi(`${toPath(id)}/rollback`, 'POST', toEnd(reason));

const toPath = (id: string): string => `releases/${encodeURIComponent(id)}`;

const toEnd = (reason: string): { reason?: string } => (reason.trim() === '' ? {} : { reason: reason.trim() });
