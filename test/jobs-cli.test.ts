import { expect, test, vi } from 'vitest';
import { runCommand } from './support/cli.ts';
import { type JobTidings, useJobs } from './support/jobs.ts';

const prepare = useJobs();

async function start(): Promise<JobTidings> {
  const tidings = await prepare();
  vi.stubEnv('TIDINGS_URL', tidings.server.url);
  return tidings;
}

const print = async (...args: string[]) => (await runCommand(...args)).text;

test('deliveries are previewed, retried as a job that is followed, and cancelled', async () => {
  const tidings = await start();
  await tidings.post('mail', ['a', 'b', 'c']);
  await tidings.post('text', ['a']);
  await tidings.force('dead');
  expect(await print('deliveries', 'retry', '--channel', 'email', '--preview')).toBe(
    '3 items would be changed.\n       3  MAIL  email  dead  rejected',
  );
  tidings.jobs();
  expect(await print('deliveries', 'retry', '--channel', 'email', '--name', 'fixed')).toMatch(
    /^Job \S+; to stop it: tidings jobs stop \S+\n(.*…\n)*Job \S+: 3 of 3 done\.$/,
  );
  expect(await tidings.countByStatus()).toEqual({ dead: 1, queued: 3 });
  const { done, failures } = JSON.parse(
    (await print('deliveries', 'cancel', '--all', '--yes', '--json')).split('\n').at(-1)!,
  );
  expect([done, failures]).toEqual([3, []]);
  expect(await print('jobs', 'list')).toMatch(
    /deliveries\.cancel {2}3 of 3 done {2}by api\n.*done {5}deliveries\.retry channel=email {2}3 of 3 done {2}by api {2}"fixed"$/,
  );
});

test('one delivery is retried and cancelled', async () => {
  const tidings = await start();
  const [id] = await tidings.post('mail', ['a']);
  await tidings.force('dead');
  expect(await print('deliveries', 'retry', id!)).toBe('The delivery is queued.');
  expect(await print('deliveries', 'cancel', id!, '--yes')).toBe('The delivery is cancelled.');
  const { errors, exitCode } = await runCommand('deliveries', 'cancel', 'nonsense', '--yes');
  expect([errors, exitCode]).toEqual([expect.stringContaining('There is no such delivery'), 1]);
});

test('a list of deliveries says what holds each, unless that is over', async () => {
  const tidings = await start();
  await tidings.post('mail', ['a']);
  const hold = async (until: string) => {
    await tidings.database.pool.query(`update deliveries set hold_code = 'quiet_hours', due_at = ${until}`);
    return print('deliveries', 'list');
  };
  expect(await hold("now() + interval '1 hour'")).toMatch(/ {2}held: quiet_hours$/);
  expect(await hold("now() - interval '1 second'")).not.toContain('held');
});

test('deliveries are listed and counted by what holds them', async () => {
  const tidings = await start();
  await tidings.post('mail', ['a', 'b']);
  await tidings.database.pool.query(
    `update deliveries set hold_code = 'account_paused', due_at = '2100-01-01' where user_id = 'a'`,
  );
  expect(await print('deliveries', 'list', '--held', 'account_paused')).toMatch(/^\S+ {2}queued .* a .* held: \S+$/);
  expect(await print('deliveries', 'list', '--held', 'domain_paused')).toBe('No deliveries found.');
  const counted = await print('deliveries', 'list', '--count', '--held', 'account_paused');
  expect(counted).toMatch(/^1 delivery\n/);
  expect(counted).toMatch(/\n {7}1 {2}hold_code {2}account_paused$/);
  const { errors, exitCode } = await runCommand('deliveries', 'list', '--held', 'night');
  expect([errors, exitCode]).toEqual([expect.stringContaining('Allowed choices are fallback, '), 2]);
  expect((await runCommand('deliveries', 'cancel', '--held', 'paused', '--yes')).exitCode).toBe(2);
});

test('a job is started without being followed, shown and stopped', async () => {
  const tidings = await start();
  await tidings.post('mail', ['a', 'b']);
  await tidings.force('dead');
  const started = JSON.parse(await print('deliveries', 'retry', '--all', '--detach', '--json'));
  expect(await print('jobs', 'show', started.job_id)).toContain('pending');
  expect(await print('jobs', 'stop', started.job_id)).toBe(`Job ${started.job_id}: stopped: 0 of 2 done.`);
  expect((await runCommand('jobs', 'show', 'nonsense')).exitCode).toBe(1);
});

test('rejected events are counted, corrected and dismissed, one or by group', async () => {
  const tidings = await start();
  const event = { event_type: 'amount_paid', event_timestamp: '2025-11-20T11:00:00Z', properties: { amount: 'ten' } };
  await tidings.server.post(
    '/api/v1/events',
    ['a', 'b', 'c', 'd'].map((user_id) => ({ ...event, user_id })),
  );
  expect(await print('rejected', 'groups')).toMatch(
    /^4 rejected events:\n {7}4 {2}2025-11-20T12:00:00.000Z {2}amount_paid {2}schema_mismatch {2}properties.amount {2}/,
  );
  const [{ rejected_id: first }, { rejected_id: second }] = (await tidings.server.get('/api/v1/events/rejected')).body
    .rejected;
  expect(await print('rejected', 'dismiss', first, '--yes')).toBe('The event is dismissed.');
  const still = await runCommand('rejected', 'correct', second, '--patch', '{"properties":{"amount":"x"}}');
  expect([still.errors, still.exitCode]).toEqual([expect.stringContaining('properties.amount'), 1]);
  const patchOne = '{"properties":{"amount":10}}';
  expect(await print('rejected', 'correct', second, '--patch', patchOne)).toBe('The event is accepted.');
  tidings.jobs();
  const patch = '{"properties":{"amount":12}}';
  expect(await print('rejected', 'correct', '--type', 'amount_paid', '--patch', patch)).toContain('2 of 2 done');
  expect(await print('rejected', 'groups')).toBe('No events are rejected.');
});

test('one wait is cancelled by its id, which the list shows', async () => {
  const tidings = await start();
  await tidings.post('later', ['a', 'b']);
  const id = (await print('waits', 'list', '--user', 'a')).split('  ').at(-1)!;
  expect(await print('waits', 'cancel', id, '--yes')).toBe('The wait of a is cancelled.');
  tidings.jobs();
  expect(await print('waits', 'cancel', 'LATER', '--yes')).toContain('1 of 1 done');
  expect(await print('waits', 'list')).toBe('No waits found.');
});
