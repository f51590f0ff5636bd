import { expect, test } from 'vitest';
import { useDeadLetters } from './support/dead-letters.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

const start = useDeadLetters();
const REJECTED = { kind: 'rejected', code: '554', reason: 'spam' } as const;

test('a job retries the dead letters of one group, each once, and leaves those of the others', async () => {
  let works = false;
  const provider = fakeProvider(({ userId }) => {
    if (userId === 'other') return { ...REJECTED, code: '550' };
    return works ? DELIVERED : REJECTED;
  });
  const tidings = await start({ email: provider });
  await tidings.worker();
  const ids = await Promise.all(['u1', 'u2', 'u3'].map((user) => tidings.post('mail', { user })));
  const other = await tidings.post('mail', { user: 'other' });
  for (const id of [...ids, other]) await tidings.becomes(id, 'dead');
  const group = 'message:email:fake::rejected:554';
  const preview = await tidings.server.post('/api/v1/jobs/preview', {
    action: 'dead_letters.retry',
    filter: { group },
  });
  expect(preview.body).toMatchObject({ count: 3, at_least: false, groups: [{ count: 3, status: 'dead' }] });
  works = true;
  tidings.clock.now += 1000;
  expect(await tidings.runJob('dead_letters.retry', { group })).toMatchObject({ status: 'done', matched: 3, done: 3 });
  for (const id of ids) await tidings.becomes(id, 'sent', 2);
  expect(await tidings.delivery(other)).toMatchObject({ status: 'dead' });
  expect(await tidings.groups()).toMatchObject([{ code: '550', count: 1 }]);
});

test('what fails again after its retry is not retried again by the same job', async () => {
  const provider = fakeProvider(() => REJECTED);
  const tidings = await start({ email: provider });
  await tidings.worker();
  const id = await tidings.post('mail');
  await tidings.becomes(id, 'dead');
  tidings.clock.now += 1000;
  const group = 'message:email:fake::rejected:554';
  const { body } = await tidings.server.post('/api/v1/jobs', { action: 'dead_letters.retry', filter: { group } });
  tidings.clock.now += 1000;
  tidings.jobs({ chunk: 1 });
  await tidings.becomes(id, 'dead', 2);
  await expect
    .poll(async () => (await tidings.server.get(`/api/v1/jobs/${body.job_id}`)).body)
    .toMatchObject({ status: 'done', done: 1 });
  await tidings.passOneRound().catch(() => {});
  expect(provider.calls.length).toBe(2);
});

test('a job cancels the dead letters of a group: they say what they were, and nothing queues them again', async () => {
  const tidings = await start({ email: fakeProvider() });
  await tidings.worker();
  const id = await tidings.post('mail', { traits: {} });
  await tidings.becomes(id, 'undeliverable');
  const [{ group }] = await tidings.groups();
  tidings.clock.now += 1000;
  expect(await tidings.runJob('dead_letters.cancel', { group })).toMatchObject({ status: 'done', done: 1 });
  expect(await tidings.delivery(id)).toMatchObject({
    status: 'cancelled',
    reason_code: 'cancelled',
    reason: expect.stringMatching(/^Cancelled by hand; it was undeliverable: No email address is known/),
  });
  expect(await tidings.groups()).toEqual([]);
  const later = await tidings.post('mail', { traits: { email: 'maria@example.com' } });
  await tidings.becomes(later, 'sent');
  expect(await tidings.delivery(id)).toMatchObject({ status: 'cancelled' });
});

test('a filter by time leaves dead letters that failed at another time', async () => {
  const tidings = await start({ email: fakeProvider(() => REJECTED) });
  await tidings.worker();
  for (const user of ['u1', 'u2', 'u3']) {
    await tidings.becomes(await tidings.post('mail', { user }), 'dead');
    tidings.clock.now += 60_000;
  }
  const filter = {
    group: 'message:email:fake::rejected:554',
    since: '2025-11-20T12:01:00Z',
    until: '2025-11-20T12:02:00Z',
  };
  expect(await tidings.runJob('dead_letters.cancel', filter)).toMatchObject({ matched: 1, done: 1 });
  expect(await tidings.groups()).toMatchObject([{ count: 2 }]);
});

test('a request with the same idempotency key is the same job', async () => {
  const tidings = await start({ email: fakeProvider() });
  const body = { action: 'dead_letters.retry', filter: { group: 'message:email:fake::rejected:554' } };
  const post = () => tidings.server.post('/api/v1/jobs', body, { 'idempotency-key': 'k1' });
  expect((await post()).body.job_id).toBe((await post()).body.job_id);
});

test('what has expired cannot be retried, only cancelled', async () => {
  const tidings = await start({ email: fakeProvider() });
  const id = await tidings.post('mail');
  await tidings.pool.query(`update deliveries set expires_at = due_at`);
  tidings.clock.now += 1000;
  await tidings.worker();
  await tidings.becomes(id, 'dropped');
  const [group] = await tidings.groups();
  expect(group).toMatchObject({ fault: 'message', reason_code: 'expired', can_retry: false });
  const filter = { group: group.group };
  expect(await tidings.runJob('dead_letters.retry', filter)).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/filter/group' }],
  });
  tidings.clock.now += 1000;
  expect(await tidings.runJob('dead_letters.cancel', filter)).toMatchObject({ done: 1 });
});

test('an id that names no group is rejected with what would be right', async () => {
  const tidings = await start({});
  expect(await tidings.runJob('dead_letters.retry', { group: 'x' })).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/filter/group', message: expect.stringContaining('GET /api/v1/dead-letters') }],
  });
});

test('a job suppresses the addresses of a group, each once, and leaves the dead letters and newer addresses', async () => {
  const provider = fakeProvider(() => REJECTED);
  const tidings = await start({ email: provider });
  await tidings.worker();
  for (const user of ['u1', 'u2', 'u3']) {
    await tidings.becomes(await tidings.post('mail', { user, traits: { email: `${user}@example.com` } }), 'dead');
  }
  await tidings.becomes(await tidings.post('mail', { user: 'u1', traits: { email: 'u1@example.com' } }), 'dead');
  tidings.clock.now += 1000;
  await tidings.server.send('PATCH', '/api/v1/users/u3', { traits: { email: 'other@example.net' } });
  tidings.clock.now += 1000;
  const filter = { group: 'message:email:fake::rejected:554' };
  expect(await tidings.runJob('dead_letters.suppress', filter)).toMatchObject({
    status: 'done',
    matched: 4,
    done: 2,
    skipped: 2,
  });
  const { body } = await tidings.server.get('/api/v1/suppressions');
  expect(body.suppressions).toHaveLength(2);
  expect(body.suppressions[0]).toMatchObject({
    channel: 'email',
    reason: 'manual',
    scope: 'all',
    until: null,
    evidence: { source: 'job', reason_code: 'rejected', delivery_id: expect.stringContaining('.email') },
  });
  expect(await tidings.groups()).toMatchObject([{ count: 4 }]);
  const sent = provider.calls.length;
  await tidings.becomes(await tidings.post('mail', { user: 'u2', traits: { email: 'u2@example.com' } }), 'dropped');
  expect(provider.calls).toHaveLength(sent);
  // Once more: nothing is left to do.
  tidings.clock.now += 1000;
  expect(await tidings.runJob('dead_letters.suppress', filter)).toMatchObject({ done: 0, skipped: 4 });
});

test('only addresses of channels that have them are suppressed, with the right to do it', async () => {
  const tidings = await start({});
  expect(await tidings.runJob('dead_letters.suppress', { group: 'message:push:fcm::rejected:x' })).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/filter/group' }],
  });
});
