import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

const start = useDeliveries();

describe('a send that takes too long', () => {
  test('is aborted, also after a garbage collection', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const provider = fakeProvider(
      (_outgoing, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'in_doubt', reason: 'aborted' }), { once: true });
        }),
    );
    const tidings = await start({ email: provider });
    await tidings.worker({ sendDeadline: 600 });
    const id = await tidings.post('held');
    await expect.poll(() => provider.calls.length).toBe(1);
    await expect
      .poll(() => {
        collect();
        return tidings.delivery(id);
      })
      .toMatchObject({ status: 'in_doubt' });
    expect(await tidings.attempts(id)).toMatchObject([{ outcome: 'in_doubt', reason: 'aborted' }]);
  });

  test('and ignores its abort signal becomes in doubt, and its slot is free', async () => {
    let first = true;
    const provider = fakeProvider(
      () => {
        if (!first) return DELIVERED;
        first = false;
        return new Promise(() => {});
      },
      { concurrency: 1 },
    );
    const tidings = await start({ email: provider });
    const busy = await tidings.worker({ sendDeadline: 100 });
    const stuck = await tidings.post('held');
    await expect.poll(() => provider.calls.length).toBe(1);
    const next = await tidings.post('mail');
    await tidings.becomes(stuck, 'in_doubt', 1);
    await tidings.becomes(next, 'sent', 1);
    expect(await tidings.attempts(stuck)).toMatchObject([
      { outcome: 'in_doubt', reason: 'the provider did not respond in time' },
    ]);
    await expect.poll(() => busy.busy).toBe(0);
  });
});
