import { expect, test } from 'vitest';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { type Answer, DELIVERED, fakeProvider } from './support/providers.ts';

/** Tokens of rate limits that belong to one account each, and that go back when the message does not go out. */

const start = useDeliveries();

test('two providers of the installation with the same name do not share a limit', async () => {
  const limit = { per_day: 8 };
  const [email, sms] = [fakeProvider(undefined, { limit }), fakeProvider(undefined, { limit })];
  const tidings = await start({ email, sms });
  await tidings.ingest(Array.from({ length: 10 }, (_, n) => eventOf('mail', { n })));
  await tidings.ingest(
    Array.from({ length: 10 }, (_, n) => eventOf('text', { n, traits: { phone: '+351912345678' } })),
  );
  await tidings.worker();
  // One of eight is kept for what is urgent.
  await expect.poll(() => [email.calls.length, sms.calls.length], { timeout: 10_000 }).toEqual([7, 7]);
});

test('a message that its user may not have yet gives back the token of its account', async () => {
  const provider = fakeProvider(undefined, { limit: { per_day: 8 } });
  const tidings = await start({ email: provider });
  const post = (user: string, count: number) =>
    tidings.ingest(
      Array.from({ length: count }, (_, n) => eventOf('mail', { n, user, traits: { email: `${user}@example.com` } })),
    );
  await post('flood', 5);
  const worker = await tidings.worker({ limits: { email: { user: { per_day: 1 } } } });
  await expect.poll(() => provider.calls.length).toBe(1);
  await expect.poll(() => worker.busy).toBe(0);
  for (const user of ['u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7']) await post(user, 1);
  await expect.poll(() => provider.calls.length, { timeout: 10_000 }).toBe(7);
});

test('messages of an account whose circuit opens give back its tokens', async () => {
  let answer: Answer = () => ({ kind: 'misconfigured', reason: 'the key is wrong' });
  const account = fakeProvider((...call) => answer(...call), {
    tenantId: 'default',
    account: 'main',
    concurrency: 1,
    limit: { per_day: 16 },
  });
  const tidings = await start({ email: fakeProvider() });
  await tidings.ingest(Array.from({ length: 14 }, (_, n) => eventOf('mail', { n, user: `u${n}` })));
  const worker = await tidings.worker({
    accounts: { list: (_tenant, channel) => (channel === 'email' ? [account] : []) },
    limits: { email: { tenant: { per_day: 1_000_000 } } },
  });
  await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
  await expect.poll(() => worker.busy).toBe(0);
  answer = () => DELIVERED;
  const look = () => {
    tidings.clock.now += 20_000;
    return tidings.countDeliveries('sent');
  };
  // 14 of 16 are not kept for what is urgent; one or two were used in vain.
  await expect.poll(look, { timeout: 15_000, interval: 200 }).toBeGreaterThanOrEqual(11);
}, 30_000);
