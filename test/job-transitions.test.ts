import { expect, test } from 'vitest';
import { claimJob, commitChunk, failJob, postponeJob } from '../src/store/jobs/jobs.ts';
import { type JobTidings, useJobs } from './support/jobs.ts';

/** The statements that change the state of a job, one by one. */

const start = useJobs();
const LEASE_MS = 60_000;
const CHUNK = { cursor: { at: 1 }, done: 3, skipped: 2, failures: [{ item: 'a', code: 'no', message: 'No.' }] };

test('a job is claimed by one worker at a time, until its lease expires', async () => {
  const { tidings, id } = await withJob();
  const first = await claimJob(tidings.pool, LEASE_MS, tidings.clock.now);
  expect(first).toMatchObject({ jobId: id, fence: 1, attempts: 1, cursor: null });
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toBeUndefined();
  await expireClaim(tidings);
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toMatchObject({ fence: 2, attempts: 2 });
});

test('a chunk writes its counts, its failures and where it goes on, and makes the job free for the next claim', async () => {
  const { tidings, id } = await withJob();
  for (let chunk = 1; chunk <= 2; chunk++) {
    const claimed = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
    expect(claimed.attempts).toBe(1);
    await commitChunk(tidings.pool, claimed, tidings.clock.now, async () => CHUNK);
  }
  const { body } = await tidings.server.get(`/api/v1/jobs/${id}`);
  expect(body).toMatchObject({ status: 'running', done: 6, skipped: 4, failed: 2, ended_at: null });
  expect((await tidings.server.get(`/api/v1/jobs/${id}/failures`)).body.failures).toEqual([CHUNK.failures[0]]);
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toMatchObject({ cursor: { at: 1 } });
});

test('a chunk of an older claim, and one of a job that has ended, change nothing', async () => {
  const { tidings, id } = await withJob();
  const old = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
  await expireClaim(tidings);
  const latest = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
  const work = async () => CHUNK;
  expect(await commitChunk(tidings.pool, old, tidings.clock.now, work)).toBeUndefined();
  await failJob(tidings.pool, old, 'It is old.', tidings.clock.now);
  await postponeJob(tidings.pool, old, 0);
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toBeUndefined();
  await tidings.server.post(`/api/v1/jobs/${id}/stop`);
  expect(await commitChunk(tidings.pool, latest, tidings.clock.now, work)).toBeUndefined();
  await failJob(tidings.pool, latest, 'It has ended.', tidings.clock.now);
  const { body } = await tidings.server.get(`/api/v1/jobs/${id}`);
  expect(body).toMatchObject({ status: 'stopped', done: 0, failed: 0, reason: null });
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toBeUndefined();
});

test('the last chunk ends the job', async () => {
  const { tidings, id } = await withJob();
  const claimed = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
  await commitChunk(tidings.pool, claimed, tidings.clock.now, async () => ({ ...CHUNK, cursor: null }));
  const { body } = await tidings.server.get(`/api/v1/jobs/${id}`);
  expect(body).toMatchObject({ status: 'done', ended_at: new Date(tidings.clock.now).toISOString() });
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toBeUndefined();
});

test('a chunk that throws leaves nothing behind, and is due again after its pause', async () => {
  const { tidings, id } = await withJob();
  const claimed = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
  const failing = commitChunk(tidings.pool, claimed, tidings.clock.now, async (connection) => {
    await connection.query('delete from jobs');
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  await postponeJob(tidings.pool, claimed, 60_000);
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toBeUndefined();
  await tidings.pool.query(`update jobs set due_at = due_at - interval '60 s'`);
  expect(await claimJob(tidings.pool, LEASE_MS, tidings.clock.now)).toMatchObject({ jobId: id, attempts: 2 });
});

test('1000 failures of a job are kept, and all are counted', async () => {
  const { tidings, id } = await withJob();
  for (const part of ['a', 'b', 'c']) {
    const claimed = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
    const failures = Array.from({ length: 400 }, (_, n) => ({ item: `${part}${n}`, code: 'no', message: 'No.' }));
    await commitChunk(tidings.pool, claimed, tidings.clock.now, async () => ({ ...CHUNK, failures }));
  }
  expect((await tidings.server.get(`/api/v1/jobs/${id}`)).body.failed).toBe(1200);
  const { rows } = await tidings.pool.query('select count(*) as kept from job_failures');
  expect(rows).toEqual([{ kept: 1000 }]);
});

test('several jobs take turns', async () => {
  const tidings = await start();
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push(await tidings.startJob({ action: 'deliveries.retry', filter: {} }));
  const turns: string[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const claimed = (await claimJob(tidings.pool, LEASE_MS, tidings.clock.now))!;
    turns.push(claimed.jobId);
    await commitChunk(tidings.pool, claimed, tidings.clock.now, async () => CHUNK);
  }
  expect(turns).toEqual([...ids, ...ids]);
});

async function withJob(): Promise<{ tidings: JobTidings; id: string }> {
  const tidings = await start();
  return { tidings, id: await tidings.startJob({ action: 'deliveries.retry', filter: {} }) };
}

async function expireClaim(tidings: JobTidings): Promise<void> {
  await tidings.pool.query(`update jobs set claimed_until = now() - interval '1 ms'`);
}
