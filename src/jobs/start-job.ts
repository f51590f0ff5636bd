import { createHash } from 'node:crypto';
import { TidingsError } from '../errors.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { JsonObject } from '../model/event.ts';
import type { Computed, JobActionName, JobFilter, JobPreview } from '../model/job.ts';
import type { Actor } from '../model/principal.ts';
import { findJobByRequest, insertJob, type JobView, loadJob, MAX_OPEN_JOBS } from '../store/jobs/jobs.ts';
import { getSqlState } from '../store/pg/errors.ts';
import type { JobParts } from './action.ts';
import { ACTIONS } from './actions.ts';
import { type Correction, compileCorrection } from './correction.ts';

const UNIQUE_VIOLATION = '23505';

export interface JobRequest {
  readonly tenantId: string;
  readonly action: JobActionName;
  readonly filter: JobFilter;
}

export interface StartRequest extends JobRequest {
  readonly actor: Actor;
  readonly name: string | null;
  /** For rejected events alone, as `compute`. */
  readonly patch: JsonObject | null;
  readonly compute?: Computed | null;
  readonly perSecond: number | null;
  /** The same whenever the request is repeated with its idempotency key, and for no other; null: it came without one. */
  readonly key: string | null;
}

/**
 * Returns what a job would do now, without starting it. @throws TidingsError if it could not do anything
 * @param trial the correction with which it is tried on some items; absent: it is not tried
 */
export async function previewJob(
  parts: JobParts,
  { tenantId, action, filter }: JobRequest,
  trial?: Correction,
): Promise<JobPreview> {
  const scope = { tenantId, filter, startedAt: parts.clock() };
  await ACTIONS[action].check?.(parts, scope);
  const preview = await ACTIONS[action].preview(parts, scope);
  const tried = trial && (await ACTIONS[action].try?.(parts, scope, trial));
  return tried ? { ...preview, trial: tried } : preview;
}

/**
 * Starts a job. With an idempotency key that a job was started with, returns that job.
 * @throws TidingsError `idempotency_key_reused` if that was another request, `too_many_jobs`, or as `previewJob`
 */
export async function startJob(
  parts: JobParts,
  request: StartRequest,
): Promise<{ readonly job: JobView; readonly isNew: boolean }> {
  const { pool, clock } = parts;
  const { tenantId, actor, action, name, filter, patch, compute = null, perSecond, key } = request;
  const hash = hashRequest(request);
  const earlier = key === null ? undefined : await findEarlier(parts, tenantId, key, hash);
  if (earlier) return { job: earlier, isNew: false };
  compileCorrection({ patch, compute });
  const preview = await previewJob(parts, request);
  const jobId = freshId();
  const job = {
    jobId,
    tenantId,
    actor,
    action,
    name,
    filter,
    patch,
    compute,
    perSecond,
    matched: preview.count,
    isMatchedExact: !preview.isAtLeast,
    request: key === null ? null : { key, hash },
  };
  try {
    if (!(await insertJob(pool, job, clock()))) {
      const message = `There are ${MAX_OPEN_JOBS} open jobs; wait until one has ended, or stop one.`;
      throw new TidingsError('too_many_jobs', message, { retryAfter: 10 });
    }
  } catch (error) {
    // Another request with the same key was quicker.
    const winner =
      key !== null && getSqlState(error) === UNIQUE_VIOLATION && (await findEarlier(parts, tenantId, key, hash));
    if (winner) return { job: winner, isNew: false };
    throw error;
  }
  return { job: (await loadJob(pool, tenantId, jobId)) as JobView, isNew: true };
}

async function findEarlier(
  { pool }: JobParts,
  tenantId: string,
  key: string,
  hash: string,
): Promise<JobView | undefined> {
  const found = await findJobByRequest(pool, tenantId, key);
  if (!found || found.hash === hash) return found?.job;
  const message = `The key was used to start job ${found.job.job_id} with another body; use a new key for a new job.`;
  throw new TidingsError('idempotency_key_reused', message, { pointer: 'idempotency-key' });
}

/** Returns the hash of a request, without its actor. Fields are in the order of the schema. */
function hashRequest({ action, name, filter, patch, compute, perSecond }: StartRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([action, name, filter, patch, perSecond, ...(compute ? [compute] : [])]))
    .digest('base64url');
}
