import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { useJobs } from './support/jobs.ts';
import { RetentionRows } from './support/retention-rows.ts';

const start = useJobs();
const users = (count: number, prefix = 'u') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test('a preview counts what a job would do, by group and with a sample, and starts nothing', async () => {
  const tidings = await start();
  await tidings.post('mail', users(7));
  await tidings.post('text', users(2));
  await tidings.force('undeliverable', `channel = 'email'`);
  await tidings.force('dead');
  const { status, body } = await tidings.server.post('/api/v1/jobs/preview', {
    action: 'deliveries.retry',
    filter: {},
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    count: 9,
    at_least: false,
    groups: [
      { notification_type: 'MAIL', channel: 'email', status: 'undeliverable', reason_code: 'missing_email', count: 7 },
      { notification_type: 'TEXT', channel: 'sms', status: 'dead', reason_code: 'rejected', count: 2 },
    ],
  });
  expect(body.sample).toHaveLength(5);
  expect((await tidings.server.get('/api/v1/jobs')).body).toEqual({ jobs: [], next: null });
  expect(await tidings.countByStatus()).toEqual({ dead: 2, undeliverable: 7 });
});

test('a retry queues what its filter matches, once each, and says who started it and how far it is', async () => {
  const tidings = await start();
  await tidings.post('mail', users(30));
  await tidings.post('text', users(3));
  await tidings.force('dead');
  const id = await tidings.startJob({
    action: 'deliveries.retry',
    filter: { notification_type: 'MAIL' },
    name: 'after the outage',
  });
  tidings.jobs({ chunk: 7 });
  const job = await tidings.ended(id);
  expect(job).toMatchObject({
    action: 'deliveries.retry',
    name: 'after the outage',
    status: 'done',
    matched: 30,
    matched_exact: true,
    done: 30,
    skipped: 0,
    failed: 0,
    started_by: 'api',
    stopped_by: null,
  });
  expect(await tidings.countByStatus()).toEqual({ dead: 3, queued: 30 });
  expect(await tidings.auditActions(id)).toEqual(['job.started', 'job.done']);
  const { rows } = await tidings.pool.query(
    `select distinct reason_code, extract(epoch from retry_until - due_at)::int as period from deliveries where status = 'queued'`,
  );
  expect(rows).toEqual([{ reason_code: 'retried', period: 3600 }]);
});

test('a retry leaves what is in doubt as it is, unless the filter names it', async () => {
  const tidings = await start();
  await tidings.post('mail', users(2));
  await tidings.force('in_doubt');
  tidings.jobs();
  expect(await tidings.ended(await tidings.startJob({ action: 'deliveries.retry', filter: {} }))).toMatchObject({
    done: 0,
  });
  const named = await tidings.startJob({ action: 'deliveries.retry', filter: { status: ['in_doubt'] } });
  expect(await tidings.ended(named)).toMatchObject({ done: 2 });
});

test.each([
  [{ user_id: 'u3' }, 1],
  [{ channel: 'sms' }, 2],
  [{ reason_code: 'rejected', provider: 'nobody' }, 0],
  [{ since: '2025-11-20T12:00:00+00:00' }, 12],
  [{ until: '2025-11-20T13:00:00+01:00' }, 0],
])('the filter %j matches %i deliveries', async (filter, count) => {
  const tidings = await start();
  await tidings.post('mail', users(10));
  await tidings.post('text', users(2));
  await tidings.force('dead');
  tidings.jobs();
  expect(await tidings.ended(await tidings.startJob({ action: 'deliveries.retry', filter }))).toMatchObject({
    matched: count,
    done: count,
  });
});

test('a cancellation ends queued deliveries, and waits for those that are being sent', async () => {
  const tidings = await start();
  const ids = await tidings.post('mail', users(20));
  const sending = ids[0]!.split('.')[0];
  await tidings.pool.query(`update deliveries set status = 'sending', worker = 'w' where notification_id = $1`, [
    sending,
  ]);
  const id = await tidings.startJob({ action: 'deliveries.cancel', filter: { channel: 'email' } });
  tidings.jobs({ chunk: 6 });
  await expect.poll(() => tidings.countByStatus()).toEqual({ cancelled: 19, sending: 1 });
  await tidings.pool.query(`update deliveries set status = 'queued' where notification_id = $1`, [sending]);
  expect(await tidings.ended(id)).toMatchObject({ matched: 19, done: 20, failed: 0 });
  expect(await tidings.countByStatus()).toEqual({ cancelled: 20 });
});

test('a stopped job changes nothing more; to stop it twice is no error, to stop an ended one is', async () => {
  const tidings = await start();
  await tidings.post('mail', users(50));
  await tidings.force('dead');
  const id = await tidings.startJob({ action: 'deliveries.retry', filter: {}, per_second: 5 });
  tidings.jobs();
  await expect.poll(async () => (await tidings.server.get(`/api/v1/jobs/${id}`)).body.done).toBeGreaterThanOrEqual(5);
  const { status, body } = await tidings.server.post(`/api/v1/jobs/${id}/stop`);
  expect([status, body.status, body.stopped_by]).toEqual([200, 'stopped', 'api']);
  expect((await tidings.countByStatus()).queued).toBe(body.done);
  expect((await tidings.server.post(`/api/v1/jobs/${id}/stop`)).status).toBe(200);
  const done = await tidings.startJob({ action: 'deliveries.retry', filter: { user_id: 'nobody' } });
  await tidings.ended(done);
  expectProblem(await tidings.server.post(`/api/v1/jobs/${done}/stop`), {
    status: 409,
    code: 'job_ended',
  });
  expect((await tidings.countByStatus()).queued).toBe(body.done);
  expect(await tidings.auditActions(id)).toEqual(['job.started', 'job.stopped']);
});

test('a repeated request with the same key starts one job, even at once; with another body it is an error', async () => {
  const tidings = await start();
  const body = { action: 'deliveries.retry', filter: { channel: 'email' } };
  const key = { 'idempotency-key': 'press 1' };
  const answers = await Promise.all([1, 2, 3, 4].map(() => tidings.server.post('/api/v1/jobs', body, key)));
  const id = await tidings.startJob(body, key);
  const [started, ...others] = answers.filter(({ status }) => status === 202);
  expect([started, ...others].map((answer) => answer?.body.job_id)).toEqual([id, ...others.map(() => id)]);
  for (const { body: problem } of answers.filter(({ status }) => status !== 202)) {
    expect(problem.code).toBe('idempotency_in_progress');
  }
  expect((await tidings.server.get('/api/v1/jobs')).body.jobs).toHaveLength(1);
  expectProblem(await tidings.server.post('/api/v1/jobs', { ...body, filter: {} }, key), {
    status: 422,
    code: 'idempotency_key_reused',
    pointer: 'idempotency-key',
  });
});

test.each([
  [{ action: 'deliveries.send', filter: {} }, '/action'],
  [{ action: 'deliveries.retry' }, '/filter'],
  [{ action: 'deliveries.retry', filter: { status: ['sent'] } }, '/filter/status/0'],
  [{ action: 'deliveries.retry', filter: { since: 'yesterday' } }, '/filter/since'],
  [{ action: 'deliveries.retry', filter: { since: '1901-01-01T00:00:00Z' } }, '/filter/since'],
  [{ action: 'deliveries.retry', filter: { user_id: 'a\0b' } }, '/filter/user_id'],
  [{ action: 'deliveries.retry', filter: {}, per_second: 0 }, '/per_second'],
  [{ action: 'rejected.retry', filter: {}, patch: { user_traits: { email: 'maria@example.com' } } }, '/patch'],
])('%j is answered with what is wrong', async (body, pointer) => {
  const tidings = await start();
  expectProblem(await tidings.server.post('/api/v1/jobs', body), { status: 400, code: 'invalid_request', pointer });
});

test('a misspelled field of a filter is an error, not a job for everything', async () => {
  const tidings = await start();
  const answer = await tidings.server.post('/api/v1/jobs', { action: 'deliveries.cancel', filter: { chanel: 'sms' } });
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  expect(answer.body.detail).toContain('chanel');
});

test('one job more than the bound is answered with 429 until one has ended', async () => {
  const tidings = await start();
  const body = { action: 'deliveries.retry', filter: {} };
  for (let i = 0; i < 100; i++) await tidings.startJob(body);
  const answer = await tidings.server.post('/api/v1/jobs', body);
  expectProblem(answer, { status: 429, code: 'too_many_jobs' });
  expect(answer.headers.get('retry-after')).toBe('10');
});

test('a job that can do nothing more fails with the reason', async () => {
  const tidings = await start();
  await tidings.post('later', users(3));
  const id = await tidings.startJob({ action: 'waits.migrate', filter: { rule: 'LATER' } });
  await tidings.pool.query(`update jobs set filter = '{"rule": "GONE"}'`);
  tidings.jobs();
  expect(await tidings.ended(id)).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('has no rule GONE'),
  });
  expect(await tidings.auditActions(id)).toEqual(['job.started', 'job.failed']);
});

test('a job whose chunks end again and again without a commit fails, instead of running for ever', async () => {
  const tidings = await start();
  const id = await tidings.startJob({ action: 'deliveries.retry', filter: {} });
  // As after 20 processes that were killed by it.
  await tidings.pool.query('update jobs set attempts = 20, claimed_until = now()');
  tidings.jobs();
  expect(await tidings.ended(id)).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('No progress in 20 attempts'),
  });
});

test('an ended job is deleted by the retention policy with its failures, an open one is not', async () => {
  const tidings = await start();
  const retention = new RetentionRows(() => ({ pool: tidings.pool }));
  const ended = await tidings.startJob({ action: 'deliveries.retry', filter: {} });
  await tidings.server.post(`/api/v1/jobs/${ended}/stop`);
  const open = await tidings.startJob({ action: 'deliveries.retry', filter: {} });
  await tidings.pool.query(`insert into job_failures select tenant_id, job_id, 'an item', 'code', 'message' from jobs`);
  await tidings.pool.query(`update jobs set created_at = now() - interval '90 days',
    ended_at = case when ended_at is not null then now() - interval '30 days' end`);
  const statusOf = async (id: string) => (await tidings.server.get(`/api/v1/jobs/${id}`)).status;
  await retention.run(31);
  expect([await statusOf(ended), await statusOf(open)]).toEqual([200, 200]);
  expect((await retention.run(30))?.rows.jobs).toBe(1);
  expect([await statusOf(ended), await statusOf(open)]).toEqual([404, 200]);
  expect(await retention.names('job_failures', 'job_id')).toEqual([open]);
});
