import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { useJobs } from './support/jobs.ts';

const start = useJobs();

test('one pending wait is cancelled with a decision that says so; the other waits stay', async () => {
  const tidings = await start();
  await tidings.post('later', ['maria', 'jane']);
  const [wait] = (await tidings.server.get('/api/v1/waits?user_id=maria')).body.waits;
  const cancel = (id: string) => tidings.server.post(`/api/v1/waits/${id}/cancel`);
  expect(await cancel(wait.wait_id)).toMatchObject({ status: 200, body: { wait_id: wait.wait_id, user_id: 'maria' } });
  const [ended] = (await tidings.server.get('/api/v1/waits?user_id=maria')).body.waits;
  expect(ended).toMatchObject({
    status: 'cancelled',
    decisions: [{ outcome: 'cancelled', reason_code: 'cancelled_by_operator', notification_type: 'LATER' }],
  });
  expect(await tidings.auditActions(wait.wait_id)).toEqual(['wait.cancelled']);
  expect((await cancel(wait.wait_id)).status).toBe(200);
  tidings.clock.now += 7_200_000;
  expect(await tidings.fireDueWaits(['maria', 'jane'])).toBe(1);
  const [fired] = (await tidings.server.get('/api/v1/waits?user_id=jane')).body.waits;
  expectProblem(await cancel(fired.wait_id), { status: 409, code: 'not_cancellable' });
  for (const unknown of ['nonsense', '00000000-0000-8000-8000-000000000000', '%00'])
    expectProblem(await cancel(unknown), { status: 404, code: 'not_found' });
});

test('the waits of a rule are cancelled and migrated by jobs; a rule that does not exist starts none', async () => {
  const tidings = await start();
  await tidings.post('later', ['a', 'b', 'c']);
  tidings.jobs({ chunk: 2 });
  const migrate = await tidings.startJob({ action: 'waits.migrate', filter: { rule: 'LATER' } });
  expect(await tidings.ended(migrate)).toMatchObject({ status: 'done', matched: 3, done: 0 });
  const preview = await tidings.server.post('/api/v1/jobs/preview', {
    action: 'waits.cancel',
    filter: { rule: 'LATER' },
  });
  expect(preview.body).toMatchObject({ count: 3, groups: [{ rule: 'LATER', catalog_version: 1, count: 3 }] });
  const cancel = await tidings.startJob({ action: 'waits.cancel', filter: { rule: 'LATER' } });
  expect(await tidings.ended(cancel)).toMatchObject({ status: 'done', done: 3 });
  expect((await tidings.server.get('/api/v1/waits?status=waiting')).body.waits).toEqual([]);
  for (const action of ['waits.cancel', 'waits.migrate'])
    expectProblem(await tidings.server.post('/api/v1/jobs', { action, filter: { rule: 'LATTER' } }), {
      status: 404,
      code: 'not_found',
      pointer: '/filter/rule',
    });
});

test('one queued delivery is cancelled; one that has been sent cannot be', async () => {
  const tidings = await start();
  const [id, other] = await tidings.post('mail', ['maria', 'jane']);
  const cancel = (one?: string) => tidings.server.post(`/api/v1/deliveries/${one}/cancel`);
  expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled', reason_code: 'cancelled' } });
  expect((await cancel(id)).status).toBe(200);
  expect(await tidings.auditActions(id!)).toEqual(['delivery.cancelled']);
  await tidings.force('dead');
  expectProblem(await cancel(other), { status: 409, code: 'not_cancellable' });
  expectProblem(await cancel('nonsense'), { status: 404, code: 'not_found' });
});
