import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { useTenants } from './support/tenants.ts';

const api = useTenants();
const { send, rows } = api;
const JOB = { action: 'deliveries.retry', filter: {} };

async function startJobs(tenant: string, count: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => send('POST', '/api/v1/jobs', JOB, tenant)));
  return answers.map(({ status }) => status);
}

/** Returns the tenants of the jobs that have ended, in order. */
async function ended(): Promise<string[]> {
  const entries = await rows(`select tenant_id from audit_log where action = 'job.done' order by entry_id`);
  return entries.map(({ tenant_id }) => tenant_id);
}

test('the jobs of a tenant do not wait for those of one that has as many as it may have', async () => {
  await api.create('many');
  await api.create('few');
  expect(new Set(await startJobs('many', 100))).toEqual(new Set([202]));
  expect(await startJobs('few', 2)).toEqual([202, 202]);
  api.tidings.jobs();
  await expect.poll(async () => (await ended()).length, { timeout: 60_000 }).toBe(102);
  await api.tidings.stopJobs();
  // By turns: the first of "many", then of "few", and so on.
  expect((await ended()).lastIndexOf('few')).toBeLessThanOrEqual(3);
}, 90_000);

test('requests that start jobs at once do not exceed the bound of a tenant, and another tenant may still start some', async () => {
  await api.create('full');
  const statuses = await startJobs('full', 110);
  expect(statuses.filter((status) => status === 202)).toHaveLength(100);
  expectProblem(await send('POST', '/api/v1/jobs', JOB, 'full'), { status: 429, code: 'too_many_jobs' });
  expect((await send('POST', '/api/v1/jobs', JOB, 'default')).status).toBe(202);
}, 60_000);
