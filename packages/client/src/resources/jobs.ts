import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Job, JobFailure, JobPreview, JobQuestion, NewJob } from '../types.ts';

/** Commands over many deliveries, waits or rejected events, which run in the background. */
export class Jobs extends Resource {
  /** Says what a job would do, without starting it. */
  preview(question: JobQuestion, options?: CallOptions): Promise<JobPreview> {
    return this.request('post', '/api/v1/jobs/preview', { body: question }, options);
  }

  start(job: NewJob, options?: CallOptions): Promise<Job> {
    return this.request('post', '/api/v1/jobs', { body: job }, options);
  }

  list(query: Query<'listJobs'> = {}, options?: CallOptions): Listing<Job> {
    return this.pages('/api/v1/jobs', 'jobs', { query }, options);
  }

  get(id: string, options?: CallOptions): Promise<Job> {
    return this.request('get', '/api/v1/jobs/{id}', { path: { id } }, options);
  }

  /** Lists what a job could not do, with the reasons. */
  failures(id: string, query: Query<'listJobFailures'> = {}, options?: CallOptions): Listing<JobFailure> {
    return this.pages('/api/v1/jobs/{id}/failures', 'failures', { path: { id }, query }, options);
  }

  /** Ends a job; what it has done stays. */
  stop(id: string, options?: CallOptions): Promise<Job> {
    return this.request('post', '/api/v1/jobs/{id}/stop', { path: { id } }, options);
  }
}
