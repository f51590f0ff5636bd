import { expect, test } from 'vitest';
import { useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

const start = useDeliveries();

test('a message in doubt that may be sent again waits at least for as long as the provider asked', async () => {
  const provider = fakeProvider(() => ({ kind: 'in_doubt', reason: 'the provider failed', after: 1_200_000 }));
  const tidings = await start({ email: provider, internal: fakeProvider() });
  await tidings.worker();
  const id = await tidings.post('mail');
  await tidings.becomes(id, 'queued', 1);
  const due = Date.parse((await tidings.delivery(id))?.due_at ?? '');
  expect(due - tidings.clock.now).toBeGreaterThanOrEqual(1_200_000);
  tidings.clock.now += 1_000_000;
  await tidings.passOneRound();
  expect(provider.calls.length).toBe(1);
});

test('a pause beyond the retry time holds the message in doubt, and does not call its retries exhausted', async () => {
  const tidings = await start({
    email: fakeProvider(() => ({ kind: 'in_doubt', reason: 'the provider failed', after: 7_200_000 })),
  });
  await tidings.worker();
  const id = await tidings.post('mail');
  await tidings.becomes(id, 'in_doubt', 1);
  expect(await tidings.delivery(id)).toMatchObject({ reason_code: 'in_doubt' });
});

test('an account that asks for a pause while its settings are wrong is left alone for as long', async () => {
  const tidings = await start({
    email: fakeProvider(() => ({ kind: 'misconfigured', reason: 'wrong password', after: 1_800_000 })),
  });
  await tidings.worker();
  const id = await tidings.post('mail');
  await tidings.becomes(id, 'queued', 1);
  const due = Date.parse((await tidings.delivery(id))?.due_at ?? '');
  expect(due - tidings.clock.now).toBeGreaterThanOrEqual(1_800_000);
});
