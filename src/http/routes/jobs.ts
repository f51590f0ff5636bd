import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { previewJob, startJob } from '../../jobs/start-job.ts';
import type { JsonObject } from '../../model/event.ts';
import type { JobFilter } from '../../model/job.ts';
import { listJobFailures, listJobs, loadJob, stopJob } from '../../store/jobs/jobs.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { job, jobFailure, jobPreview, jobQuestion, newJob } from './job-schemas.ts';
import { limitQuery, problemSchema } from './schemas.ts';

const MAX_KEY_CHARS = 256;
const MAX_PATCH_CHARS = 64 * 1024;

const params = z.object({ id: z.string().max(256) });
const page = z.strictObject({ limit: limitQuery, before: z.string().optional() });

/** Returns the filter as jobs read it: times in UTC, and without fields that are undefined. */
function asFilter(filter: object): JobFilter {
  const { since, until, ...others } = filter as { since?: string; until?: string };
  return {
    ...others,
    ...(since !== undefined && { since: isoTime(Date.parse(since)) }),
    ...(until !== undefined && { until: isoTime(Date.parse(until)) }),
  };
}

/** Registers the routes of jobs: one command for many deliveries, waits or rejected events. */
export function registerJobRoutes(app: App, parts: HttpDependencies): void {
  const { database, clock } = parts;
  const partsOf = (tenantId: string) => ({ ...parts, pool: database.forTenant(tenantId) });

  app.post(
    '/api/v1/jobs/preview',
    {
      config: { scope: 'jobs:read' },
      schema: {
        summary: 'Count what a job would do now, without starting it',
        tags: ['jobs'],
        body: jobQuestion,
        response: { 200: jobPreview, '4xx': problemSchema },
      },
    },
    async ({ principal: { tenantId }, body: { action, filter } }) => {
      const { isAtLeast, ...preview } = await previewJob(partsOf(tenantId), {
        tenantId,
        action,
        filter: asFilter(filter),
      });
      return { ...preview, at_least: isAtLeast };
    },
  );

  app.post(
    '/api/v1/jobs',
    {
      config: { scope: 'jobs:write' },
      schema: {
        summary: 'Start a job; a repeated request with the same idempotency-key returns the job that it started',
        tags: ['jobs'],
        headers: z.object({ 'idempotency-key': z.string().max(MAX_KEY_CHARS).optional() }),
        body: newJob,
        response: { 202: job, '4xx': problemSchema },
      },
    },
    async ({ principal, headers, body }, reply) => {
      const patch = 'patch' in body ? ((body.patch as JsonObject | undefined) ?? null) : null;
      if (patch && JSON.stringify(patch).length > MAX_PATCH_CHARS) {
        throw new TidingsError('invalid_request', 'The patch is larger than 64 KiB.', { path: 'patch' });
      }
      const { job } = await startJob(partsOf(principal.tenantId), {
        tenantId: principal.tenantId,
        actor: principal.actor,
        action: body.action,
        filter: asFilter(body.filter),
        name: body.name ?? null,
        patch,
        perSecond: body.per_second ?? null,
        key: headers['idempotency-key'] || null,
      });
      return reply.status(202).send(job);
    },
  );

  app.get(
    '/api/v1/jobs',
    {
      config: { scope: 'jobs:read' },
      schema: {
        summary: 'List jobs, newest first',
        tags: ['jobs'],
        querystring: page,
        response: { 200: z.object({ jobs: z.array(job), next: z.string().nullable() }), '4xx': problemSchema },
      },
    },
    async ({ principal, query: { limit, before } }) => {
      const jobs = await listJobs(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        limit,
        readCursor(before, ['uuid'])?.[0] ?? null,
      );
      const last = jobs.length === limit ? jobs.at(-1) : undefined;
      return { jobs, next: last ? writeCursor([last.job_id]) : null };
    },
  );

  app.get(
    '/api/v1/jobs/:id',
    {
      config: { scope: 'jobs:read' },
      schema: {
        summary: 'Show a job and its progress',
        tags: ['jobs'],
        params,
        response: { 200: job, '4xx': problemSchema },
      },
    },
    async ({ principal, params: { id } }) => findJob(principal.tenantId, id),
  );

  app.get(
    '/api/v1/jobs/:id/failures',
    {
      config: { scope: 'jobs:read' },
      schema: {
        summary: 'List what a job could not change; up to 1000 failures are kept',
        tags: ['jobs'],
        params,
        querystring: page,
        response: {
          200: z.object({ failures: z.array(jobFailure), next: z.string().nullable() }),
          '4xx': problemSchema,
        },
      },
    },
    async ({ principal, params: { id }, query: { limit, before } }) => {
      await findJob(principal.tenantId, id);
      const after = readCursor(before, ['text'])?.[0] ?? '';
      const failures = await listJobFailures(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        id,
        limit,
        after,
      );
      const last = failures.length === limit ? failures.at(-1) : undefined;
      return { failures, next: last ? writeCursor([last.item]) : null };
    },
  );

  app.post(
    '/api/v1/jobs/:id/stop',
    {
      config: { scope: 'jobs:write' },
      schema: {
        summary: 'Stop a job; what it has done stays done',
        tags: ['jobs'],
        params,
        response: { 200: job, '4xx': problemSchema },
      },
    },
    async ({ principal: { tenantId, actor }, params: { id } }) => {
      await findJob(tenantId, id);
      const isStopped = await stopJob(database.forTenant(tenantId), tenantId, id, actor, clock());
      const job = await findJob(tenantId, id);
      // A second stop, such as the repetition of a request whose response was lost, is no error.
      if (isStopped || job.status === 'stopped') return job;
      throw new TidingsError('job_ended', `The job is ${job.status}; there is nothing to stop.`, { path: 'status' });
    },
  );

  async function findJob(tenantId: string, id: string) {
    const found = z.uuid().safeParse(id).success
      ? await loadJob(database.forTenant(tenantId), tenantId, id)
      : undefined;
    if (!found) throw new TidingsError('not_found', 'There is no such job.');
    return found;
  }
}
