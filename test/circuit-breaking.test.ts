import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { EMAIL, eventOf, useDeliveries } from './support/deliveries.ts';
import { type Answer, DELIVERED, fakeProvider } from './support/providers.ts';

const start = useDeliveries();

describe('the circuit breaker', () => {
  test('opens after 20 failures, leaves other channels alone, and closes when one trial succeeds', async () => {
    let answer: Answer = () => ({ kind: 'retry', reason: 'down' });
    const provider = fakeProvider((...call) => answer(...call));
    const tidings = await start({ email: provider, internal: fakeProvider() });
    const busy = await tidings.worker();
    await tidings.ingest(Array.from({ length: 20 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => busy.unhealthyProviders()).toEqual(['fake']);
    await expect.poll(() => busy.busy).toBe(0);

    const waiting = await tidings.post('mail', { n: 20 });
    await tidings.passOneRound();
    expect(provider.calls.length).toBe(20);
    expect(await tidings.delivery(waiting)).toMatchObject({ status: 'queued', attempts_made: 0 });

    let end = () => {};
    answer = () => {
      answer = () => DELIVERED;
      return new Promise((resolve) => {
        end = () => resolve(DELIVERED);
      });
    };
    tidings.clock.now += 2000;
    await expect.poll(() => provider.calls.length).toBe(21);
    await tidings.passOneRound();
    expect(provider.calls.length).toBe(21);
    expect(provider.calls.at(-1)?.idempotencyKey).toBe(waiting);
    end();
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(23);
    expect(busy.unhealthyProviders()).toEqual([]);
  });

  test('measures its pause by the monotonic clock', async () => {
    let answer: SendOutcome = { kind: 'retry', reason: 'down' };
    let elapsed = 1;
    const tidings = await start({ email: fakeProvider(() => answer) });
    const busy = await tidings.worker({ elapsed: () => elapsed });
    await tidings.ingest(Array.from({ length: 20 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => busy.unhealthyProviders()).toEqual(['fake']);
    answer = DELIVERED;
    tidings.clock.now -= 3_600_000;
    const waiting = await tidings.post('mail', { n: 20 });
    elapsed += 2000;
    await tidings.becomes(waiting, 'sent', 1);
    expect(busy.unhealthyProviders()).toEqual([]);
  });

  test('ignores missing addresses: only the provider opens and closes it', async () => {
    const provider = fakeProvider(() => ({ kind: 'retry', reason: 'down' }));
    const tidings = await start({ email: provider });
    const busy = await tidings.worker();
    for (let n = 0; n < 20; n++) {
      await tidings.post('mail', { n });
      await tidings.post('mail', { n, user: 'nowhere', traits: {} });
      await expect.poll(() => busy.busy).toBe(0);
    }
    await expect.poll(() => provider.calls.length).toBe(20);
    expect(busy.unhealthyProviders()).toEqual(['fake']);
  });

  test('ignores addresses that cannot be opened', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    const traits = { email: EMAIL };
    const events = Array.from({ length: 25 }, (_, n) => eventOf('mail', { n, user: `lost_${n}`, traits }));
    await tidings.ingest(events);
    await tidings.database.pool.query('update addresses set sealed = sha256(sealed)');
    const busy = await tidings.worker();
    const id = await tidings.post('mail', { n: 26, user: 'reachable', traits });
    await tidings.becomes(id, 'sent');
    await expect.poll(() => busy.busy).toBe(0);
    expect(busy.unhealthyProviders()).toEqual([]);
    expect(provider.calls.length).toBe(1);
    const { rows } = await tidings.database.pool.query('select distinct outcome, reason from attempts');
    expect(rows).toEqual([{ outcome: 'retry', reason: 'the email address cannot be opened with the current key' }]);
  });
});
