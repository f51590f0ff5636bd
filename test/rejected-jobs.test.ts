import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { type JobTidings, useJobs } from './support/jobs.ts';

const start = useJobs();

test('rejected events are counted by event type, code and path, the largest group first', async () => {
  const tidings = await start();
  await reject(tidings, 3, { amount: 'ten' });
  await tidings.server.post('/api/v1/events', { user_id: 'u', event_type: 'mail', event_timestamp: 'soon' });
  const { status, body } = await tidings.server.get('/api/v1/events/rejected/groups');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    count: 4,
    at_least: false,
    groups: [
      { event_type: 'amount_paid', code: 'schema_mismatch', path: 'properties.amount', sources: [], count: 3 },
      { event_type: 'mail', code: 'invalid_timestamp', path: 'event_timestamp', count: 1 },
    ],
  });
});

test('a group is dismissed: its events leave the quarantine, the others stay', async () => {
  const tidings = await start();
  await reject(tidings, 30, { amount: 'ten' });
  await tidings.server.post('/api/v1/events', { user_id: 'u', event_type: 'mail', event_timestamp: 'soon' });
  tidings.jobs({ chunk: 7 });
  const filter = { event_type: 'amount_paid', code: 'schema_mismatch' };
  const id = await tidings.startJob({ action: 'rejected.dismiss', filter });
  expect(await tidings.ended(id)).toMatchObject({ status: 'done', matched: 30, done: 30, failed: 0 });
  expect(await listCodes(tidings)).toEqual(['invalid_timestamp']);
});

test('a group is corrected by a merge patch: accepted events leave the quarantine, and the others are its failures', async () => {
  const tidings = await start();
  await reject(tidings, 20, { amount: 'ten' });
  await reject(tidings, 2, { amount: 'ten' }, 'x'.repeat(300));
  tidings.jobs({ chunk: 6 });
  const id = await tidings.startJob({
    action: 'rejected.retry',
    filter: { event_type: 'amount_paid' },
    patch: { properties: { amount: 10 } },
  });
  expect(await tidings.ended(id)).toMatchObject({ status: 'done', matched: 22, done: 20, failed: 2 });
  const { failures } = (await tidings.server.get(`/api/v1/jobs/${id}/failures`)).body;
  expect(failures).toHaveLength(2);
  expect(failures[0]).toMatchObject({ code: 'invalid_id', message: expect.stringContaining('event_id') });
  expect(await listCodes(tidings)).toEqual(['invalid_id', 'invalid_id']);
  const { rows } = await tidings.pool.query(
    `select count(*) as n, min(properties ->> 'amount') as amount from events where event_type = 'amount_paid'`,
  );
  expect(rows).toEqual([{ n: 20, amount: '10' }]);
});

test('failures have pages', async () => {
  const tidings = await start();
  await reject(tidings, 5, { amount: 'ten' });
  tidings.jobs();
  const id = await tidings.startJob({ action: 'rejected.retry', filter: {} });
  expect(await tidings.ended(id)).toMatchObject({ done: 0, failed: 5 });
  const first = (await tidings.server.get(`/api/v1/jobs/${id}/failures?limit=3`)).body;
  const second = (await tidings.server.get(`/api/v1/jobs/${id}/failures?limit=3&after=${first.next}`)).body;
  expect([first.failures.length, second.failures.length, second.next]).toEqual([3, 2, null]);
});

test('what is rejected after a job was started is not its own', async () => {
  const tidings = await start();
  await reject(tidings, 3, { amount: 'ten' });
  const id = await tidings.startJob({ action: 'rejected.dismiss', filter: {} });
  tidings.clock.now += 1000;
  await reject(tidings, 2, { amount: 'eleven' });
  tidings.jobs();
  expect(await tidings.ended(id)).toMatchObject({ done: 3 });
  expect(await listCodes(tidings)).toEqual(['schema_mismatch', 'schema_mismatch']);
});

test('one rejected event is dismissed with an audit entry; then there is no such event', async () => {
  const tidings = await start();
  await reject(tidings, 1, { amount: 'ten' });
  const [{ rejected_id: id }] = (await tidings.server.get('/api/v1/events/rejected')).body.rejected;
  expect(await tidings.server.post(`/api/v1/events/rejected/${id}/dismiss`)).toMatchObject({
    status: 200,
    body: { rejected_id: id },
  });
  expect(await listCodes(tidings)).toEqual([]);
  expect(await tidings.auditActions(id)).toEqual(['event.dismissed']);
  for (const unknown of [id, 'nonsense', '%00'])
    expectProblem(await tidings.server.post(`/api/v1/events/rejected/${unknown}/dismiss`), {
      status: 404,
      code: 'not_found',
    });
});

let events = 0;

async function reject(tidings: JobTidings, count: number, properties: object, suffix = ''): Promise<void> {
  const items = Array.from({ length: count }, () => ({
    event_id: `rejected ${events++}${suffix}`,
    user_id: `u ${events}`,
    event_type: 'amount_paid',
    event_timestamp: '2025-11-20T11:00:00Z',
    properties,
  }));
  expect((await tidings.server.post('/api/v1/events', items)).status).toBe(422);
}

async function listCodes(tidings: JobTidings): Promise<string[]> {
  const { rejected } = (await tidings.server.get('/api/v1/events/rejected')).body;
  return rejected.map(({ code }: { code: string }) => code);
}
