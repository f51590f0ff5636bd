import type { Job, JobFailurePage, JobPage, JobPreview, JsonObject } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import type { JobActionName } from './types.ts';

/** Action on many items, and which. */
export interface JobRequest {
  action: JobActionName;
  filter: JsonObject;
  name?: string;
  /** Correction of each rejected event: a JSON merge patch (RFC 7396). */
  patch?: JsonObject;
  /** Fields whose values expressions give, by their paths. */
  compute?: { readonly [path: string]: string };
}

/** Tries a job on some items with its correction, and stores nothing. */
export const tryJob = ({ action, filter, patch, compute }: JobRequest): Promise<JobPreview> =>
  callApi('jobs/preview', 'POST', {
    action,
    filter,
    trial: true,
    ...(patch && { patch }),
    ...(compute && { compute }),
  });

/** Counts what a job would do now. */
export const previewJob = ({ action, filter }: JobRequest): Promise<JobPreview> =>
  callApi('jobs/preview', 'POST', { action, filter });

/** Starts a job. `key`: a repeated call with the same key starts no second job. */
export const startJob = (request: JobRequest, key: string): Promise<Job> =>
  callApi('jobs', 'POST', { ...request }, undefined, { 'idempotency-key': key });

export const getJob = (id: string): Promise<Job> => callApi(`jobs/${encodeURIComponent(id)}`);

/** Returns a page of 50 jobs, newest first. `after`: the `next` of the previous page, null for the first. */
export const getJobs = (after: string | null): Promise<JobPage> =>
  callApi(`jobs?${buildQuery({ limit: '50', after })}`);

/** Returns the first 50 failures of a job. */
export const getJobFailures = (id: string): Promise<JobFailurePage> =>
  callApi(`jobs/${encodeURIComponent(id)}/failures?limit=50`);

export const stopJob = (id: string): Promise<Job> => callApi(`jobs/${encodeURIComponent(id)}/stop`, 'POST');
