import { expect, test } from 'vitest';
import { explainDeadLetters } from '../src/accounts/explain-dead-letters.ts';
import { useDeadLetters } from './support/dead-letters.ts';
import { fakeProvider } from './support/providers.ts';

const start = useDeadLetters();

test.each([
  ['address_dead', { kind: 'address_dead', reason: 'unknown user' }, 'recipient'],
  ['rejected', { kind: 'rejected', reason: 'spam' }, 'message'],
  ['a full mailbox', { kind: 'retry', of: 'recipient', reason: 'full' }, 'recipient'],
  ['a rate limit', { kind: 'retry', of: 'account', reason: 'slow down' }, 'account'],
  ['wrong credentials', { kind: 'misconfigured', reason: 'wrong password' }, 'account'],
  ['an outage', { kind: 'retry', reason: 'no route' }, 'provider'],
] as const)('the fault of %s pages no operator', async (_, outcome, fault) => {
  const tidings = await start({ email: fakeProvider(() => outcome) });
  await tidings.worker();
  const id = await tidings.post('mail');
  await expect.poll(async () => (await tidings.delivery(id))?.attempts_made).toBeGreaterThan(0);
  await tidings.pool.query(`update deliveries set retry_until = due_at`);
  await expect
    .poll(
      async () => {
        tidings.clock.now += 600_000;
        return (await tidings.delivery(id))?.status;
      },
      { timeout: 10_000 },
    )
    .toBe('dead');
  expect(await tidings.groups()).toMatchObject([{ fault }]);
  expect(await tidings.health()).toEqual({ status: 'ok' });
});

test('a bug of ours pages the operator, until its dead letters are retried or cancelled', async () => {
  const tidings = await start({
    email: fakeProvider(() => {
      throw new Error('a bug');
    }),
  });
  await tidings.worker();
  await tidings.becomes(await tidings.post('held'), 'in_doubt');
  expect(await tidings.groups()).toMatchObject([{ fault: 'us', reason_code: 'in_doubt' }]);
  expect(await tidings.health()).toMatchObject({
    status: 'degraded',
    cause: expect.stringMatching(/^1 delivery failed/),
    hint: expect.stringContaining('tidings dead-letters list --fault us'),
  });
  const [{ group }] = await tidings.groups();
  tidings.clock.now += 1000;
  await tidings.runJob('dead_letters.cancel', { group });
  expect(await tidings.health()).toEqual({ status: 'ok' });
});

test('a message in doubt because a worker stopped is our fault, and its advice says that it may have been sent', async () => {
  const tidings = await start({ email: fakeProvider() });
  await tidings.post('held');
  const claimed = await tidings.claim('w1');
  await tidings.markSendStarted(claimed);
  await tidings.expireLeases();
  expect(await tidings.rescueExpired()).toBe(1);
  expect(await tidings.groups()).toMatchObject([
    { fault: 'us', reason_code: 'in_doubt', advice: expect.stringContaining('a retry may send it twice') },
  ]);
});

test('a message in doubt at a provider that recognizes repetitions may be retried safely', async () => {
  const tidings = await start({
    email: fakeProvider(() => ({ kind: 'in_doubt', code: '502', reason: 'Courier failed' }), { name: 'courier' }),
  });
  await tidings.worker();
  await tidings.becomes(await tidings.post('held'), 'in_doubt');
  expect(await tidings.groups()).toMatchObject([
    {
      fault: 'provider',
      meaning: 'Courier failed, and may have the message',
      advice: expect.stringContaining('retry'),
    },
  ]);
});

test.each([
  ['no_account', 'tidings routes'],
  ['account_gone', 'Save the account again'],
  ['no_apns_account', 'docs/providers/apns.md'],
  ['no_fcm_account', 'docs/providers/fcm.md'],
  ['no_web_push_account', 'docs/providers/web_push.md'],
  ['no_attachments', '`attachment`'],
  ['provider_template', 'provider_template'],
  ['sending_paused', 'tidings sending resume'],
  ['accounts_unopened', 'encryption key'],
])('the advice for %s, which no provider answers, says what an operator can do', async (code, expected) => {
  const group = { fault: 'account', channel: 'push', provider: 'none', account: null, reasonCode: 'rejected' } as const;
  const { meaning, advice } = await explainDeadLetters({ ...group, code });
  expect(meaning).not.toBeNull();
  expect(advice).toContain(expected);
  expect(advice).not.toContain('Correct the template');
});
