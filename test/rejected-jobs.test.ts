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

test('a value is computed from each event; a dry run shows the changes, and stores nothing', async () => {
  const tidings = await start();
  await reject(tidings, 3, { amount: '12,50' });
  await reject(tidings, 1, { amount: 'ten' });
  const question = {
    action: 'rejected.retry',
    filter: { path: 'properties.amount' },
    compute: { 'properties.amount': 'double(event.amount.replace(",", "."))' },
  };
  const { status, body } = await tidings.server.post('/api/v1/jobs/preview', { ...question, trial: true });
  expect(status).toBe(200);
  expect(body.trial).toMatchObject({ tried: 4, accepted: 3, sends: 0 });
  expect(body.trial.items[0]).toMatchObject({
    status: 'rejected',
    code: 'invalid_event',
    message: expect.stringContaining('properties.amount cannot be computed'),
  });
  expect(body.trial.items[1]).toMatchObject({
    status: 'accepted',
    changes: [{ path: 'properties.amount', before: '12,50', after: 12.5 }],
  });
  expect(await listCodes(tidings)).toHaveLength(4);

  tidings.jobs();
  const id = await tidings.startJob(question);
  expect(await tidings.ended(id)).toMatchObject({ status: 'done', done: 3, failed: 1, compute: question.compute });
  const { rows } = await tidings.pool.query(`select distinct properties ->> 'amount' as amount from events`);
  expect(rows).toEqual([{ amount: '12.5' }]);
});

test('an expression that cannot be read, or names an address, is rejected with its field', async () => {
  const tidings = await start();
  const ask = (compute: object) =>
    tidings.server.post('/api/v1/jobs', { action: 'rejected.retry', filter: {}, compute });
  expectProblem(await ask({ 'properties.amount': 'double(event.amount' }), {
    status: 400,
    code: 'invalid_request',
    pointer: '/compute/properties.amount',
  });
  expectProblem(await ask({ 'properties.to': '"ann@example.com"' }), {
    status: 400,
    code: 'invalid_request',
    pointer: '/compute',
  });
});

test('the reason of a dismissal is in the audit log, with addresses masked', async () => {
  const tidings = await start();
  await reject(tidings, 1, { amount: 'ten' });
  const [{ rejected_id: id }] = (await tidings.server.get('/api/v1/events/rejected')).body.rejected;
  const path = `/api/v1/events/rejected/${id}/dismiss`;
  expect((await tidings.server.post(path, { reason: 'a test of ann@example.com' })).status).toBe(200);
  const { rows } = await tidings.pool.query(`select detail ->> 'reason' as reason from audit_log where subject = $1`, [
    id,
  ]);
  expect(rows).toEqual([{ reason: 'a test of a…@example.com' }]);
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
