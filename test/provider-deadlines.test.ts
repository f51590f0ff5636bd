import { expect, test } from 'vitest';
import { openProvider, requireProvider } from '../src/accounts/open-account.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Limits that the definition of a provider gives its sends: how long one may take, and how many an ordinary account has. */

const start = useDeliveries();
const tools = { http: new GuardedClient(), clock: () => 0 };

test('a send ends at the deadline of its provider, and not only at that of the worker', async () => {
  const provider = fakeProvider(() => new Promise(() => {}), { maxMillis: 300 });
  const tidings = await start({ email: provider });
  await tidings.worker({ sendDeadline: 60_000 });
  const id = await tidings.post('held');
  await tidings.becomes(id, 'in_doubt');
  const [attempt] = await tidings.attempts(id);
  expect(attempt).toMatchObject({ outcome: 'in_doubt', reason: 'the provider did not respond in time' });
});

test('a worker with a shorter limit does not wait for the deadline of the provider', async () => {
  const provider = fakeProvider(() => new Promise(() => {}), { maxMillis: 60_000 });
  const tidings = await start({ email: provider });
  await tidings.worker({ sendDeadline: 300 });
  const id = await tidings.post('held');
  await tidings.becomes(id, 'in_doubt');
});

test('an open account has the deadline and the rate of its definition', async () => {
  const settings = {
    region: 'eu-west-1',
    access_key_id: 'AKIAIOSFODNN7EXAMPLE',
    secret_access_key: 'a-secret-of-the-test',
    from: 'a@example.com',
  };
  const ses = await openProvider(await requireProvider('ses'), settings, tools);
  expect(ses.maxMillis).toBeGreaterThan(0);
  expect(ses.limit).toEqual({ per_second: 14, burst: 3 });
  await ses.close();
});
