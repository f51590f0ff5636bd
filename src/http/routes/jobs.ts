import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { Correction } from '../../jobs/correction.ts';
import { previewJob, startJob } from '../../jobs/start-job.ts';
import type { JsonObject } from '../../model/event.ts';
import { type Computed, getItemScopes, type JobActionName, type JobFilter } from '../../model/job.ts';
import type { Principal } from '../../model/principal.ts';
import { listJobFailures, listJobs, loadJob, stopJob } from '../../store/jobs/jobs.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { prepareRetried } from '../prepare-retried.ts';
import { idParams, pageQuery } from '../schemas/common.ts';
import { job, jobFailurePage, jobPage, jobPreview, jobQuestion, newJob } from '../schemas/jobs.ts';

const MAX_KEY_CHARS = 256;
const MAX_PATCH_CHARS = 64 * 1024;

/** Returns the filter as jobs read it: times in UTC, and without fields that are undefined. */
function asFilter(filter: object): JobFilter {
  const { since, until, ...others } = filter as { since?: string; until?: string };
  return {
    ...others,
    ...(since !== undefined && { since: isoTime(Date.parse(since)) }),
    ...(until !== undefined && { until: isoTime(Date.parse(until)) }),
  };
}

/** Throws `forbidden` if the principal may not do to one item what the job does to many, or, for a preview, not see it. */
function requireItemScope({ scopes }: Principal, action: JobActionName, right: 'read' | 'write'): void {
  const missing = getItemScopes(action, right).find((scope) => !scopes.has(scope));
  if (missing) throw new TidingsError('forbidden', `The job ${action} needs the scope ${missing} as well.`);
}

/** Returns the correction that the body of a request has. Throws `invalid_request` if its patch is too large. */
function getCorrection(body: object): Correction {
  const { patch = null, compute = null } = body as { readonly patch?: JsonObject; readonly compute?: Computed };
  if (patch && JSON.stringify(patch).length > MAX_PATCH_CHARS) {
    throw new TidingsError('invalid_request', 'The patch is larger than 64 KiB.', { pointer: '/patch' });
  }
  return { patch, compute };
}

/** Registers the routes of jobs: one command for many deliveries, waits or rejected events. */
export function registerJobRoutes(app: App, parts: HttpDependencies): void {
  const { database, seal, clock } = parts;
  const prepare = prepareRetried(parts);
  const partsOf = (tenantId: string) => ({ ...parts, prepare, pool: database.forTenant(tenantId) });
  const cursors = new Cursors(seal);

  app.post(
    '/api/v1/jobs/preview',
    {
      config: { scope: 'jobs:read', errors: ['not_found'] },
      schema: {
        operationId: 'previewJob',
        summary: 'Count what a job would do now, without starting it',
        tags: ['jobs'],
        body: jobQuestion,
        response: { 200: jobPreview },
      },
    },
    async ({ principal, body }) => {
      const { tenantId } = principal;
      requireItemScope(principal, body.action, 'read');
      const asked = { tenantId, action: body.action, filter: asFilter(body.filter) };
      const trial = 'trial' in body && body.trial === true ? getCorrection(body) : undefined;
      const { isAtLeast, ...preview } = await previewJob(partsOf(tenantId), asked, trial);
      return { ...preview, at_least: isAtLeast };
    },
  );

  app.post(
    '/api/v1/jobs',
    {
      config: { scope: 'jobs:write', errors: ['not_found', 'idempotency_key_reused', 'too_many_jobs'] },
      schema: {
        operationId: 'startJob',
        summary: 'Start a job; a repeated request with the same idempotency-key returns the job that it started',
        tags: ['jobs'],
        headers: z.object({ 'idempotency-key': z.string().max(MAX_KEY_CHARS).optional() }),
        body: newJob,
        response: { 202: job },
      },
    },
    async ({ principal, headers, body, operationId }, reply) => {
      requireItemScope(principal, body.action, 'write');
      const { job } = await startJob(partsOf(principal.tenantId), {
        tenantId: principal.tenantId,
        actor: principal.actor,
        action: body.action,
        filter: asFilter(body.filter),
        name: body.name ?? null,
        ...getCorrection(body),
        perSecond: body.per_second ?? null,
        // Not the text of the header: that of another caller is another key.
        key: headers['idempotency-key'] ? operationId : null,
      });
      return reply.status(202).send(job);
    },
  );

  app.get(
    '/api/v1/jobs',
    {
      config: { scope: 'jobs:read' },
      schema: {
        operationId: 'listJobs',
        summary: 'List jobs, newest first',
        tags: ['jobs'],
        querystring: pageQuery,
        response: { 200: jobPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const cursor = cursors.read(request, ['uuid']);
      const jobs = await listJobs(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        query.limit,
        cursor?.[0] ?? null,
      );
      return { jobs, next: cursors.next(request, jobs, query.limit, (last) => [last.job_id]) };
    },
  );

  app.get(
    '/api/v1/jobs/:id',
    {
      config: { scope: 'jobs:read', errors: ['not_found'] },
      schema: {
        operationId: 'getJob',
        summary: 'Show a job and its progress',
        tags: ['jobs'],
        params: idParams,
        response: { 200: job },
      },
    },
    async ({ principal, params: { id } }) => findJob(principal.tenantId, id),
  );

  app.get(
    '/api/v1/jobs/:id/failures',
    {
      config: { scope: 'jobs:read', errors: ['not_found'] },
      schema: {
        operationId: 'listJobFailures',
        summary: 'List what a job could not change; up to 1000 failures are kept',
        tags: ['jobs'],
        params: idParams,
        querystring: pageQuery,
        response: {
          200: jobFailurePage,
        },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      await findJob(principal.tenantId, params.id);
      const after = cursors.read(request, ['text'])?.[0] ?? '';
      const failures = await listJobFailures(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        params.id,
        query.limit,
        after,
      );
      return { failures, next: cursors.next(request, failures, query.limit, (last) => [last.item]) };
    },
  );

  app.post(
    '/api/v1/jobs/:id/stop',
    {
      config: { scope: 'jobs:write', errors: ['not_found', 'job_ended'] },
      schema: {
        operationId: 'stopJob',
        summary: 'Stop a job; what it has done stays done',
        tags: ['jobs'],
        params: idParams,
        response: { 200: job },
      },
    },
    async ({ principal: { tenantId, actor }, params: { id } }) => {
      await findJob(tenantId, id);
      const isStopped = await stopJob(database.forTenant(tenantId), tenantId, id, actor, clock());
      const job = await findJob(tenantId, id);
      // A second stop, such as the repetition of a request whose response was lost, is no error.
      if (isStopped || job.status === 'stopped') return job;
      throw new TidingsError('job_ended', `The job is ${job.status}; there is nothing to stop.`);
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
