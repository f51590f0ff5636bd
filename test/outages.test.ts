import pino from 'pino';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { type Answer, DELIVERED, fakeProvider } from './support/providers.ts';

const start = useDeliveries();

const DOWN: SendOutcome = { kind: 'retry', reason: 'the server cannot be reached' };

/** A log that collects its warnings. */
function warnings() {
  const lines: { msg: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { log, outages: () => lines.filter(({ msg }) => msg.startsWith('circuit ')) };
}

describe('an outage of a provider', () => {
  test('is one warning when it begins, with since, cause and next probe, and one when it is over', async () => {
    let answer: Answer = () => DOWN;
    const { log, outages } = warnings();
    const tidings = await start({ email: fakeProvider((...call) => answer(...call)) });
    const worker = await tidings.worker({ log });
    await tidings.ingest(Array.from({ length: 25 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
    await expect.poll(() => worker.busy).toBe(0);
    const since = new Date(tidings.clock.now).toISOString();
    const outage = {
      provider: 'fake',
      account: null,
      domain: null,
      of: 'installation',
      since,
      code: 'failures',
      cause: 'the server cannot be reached',
      next_probe_at: new Date(tidings.clock.now + 2000).toISOString(),
    };
    expect(worker.openCircuits()).toEqual([outage]);
    // Probes that fail add no warning.
    tidings.clock.now += 2000;
    await expect.poll(() => worker.openCircuits()[0]?.next_probe_at).not.toBe(outage.next_probe_at);
    expect(outages()).toMatchObject([{ level: 40, ...outage, msg: expect.stringContaining('opened') }]);
    answer = () => DELIVERED;
    tidings.clock.now += 60_000;
    await expect.poll(() => worker.openCircuits()).toEqual([]);
    expect(outages().slice(1)).toMatchObject([{ level: 40, since, msg: expect.stringContaining('closed') }]);
  });

  test('that does not respond to any send opens the circuit after the first sends timed out', async () => {
    const provider = fakeProvider(() => new Promise(() => {}), { concurrency: 5 });
    const tidings = await start({ email: provider, internal: fakeProvider() });
    const worker = await tidings.worker({ sendDeadline: 300 });
    await tidings.ingest(Array.from({ length: 30 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
    expect(provider.calls.length).toBeLessThanOrEqual(10);
    expect(worker.openCircuits()).toMatchObject([{ cause: 'the provider did not respond in time' }]);
    await tidings.passOneRound();
  });

  test('with wrong credentials opens the circuit at once, and its deliveries stay queued', async () => {
    const provider = fakeProvider(() => ({ kind: 'misconfigured', reason: 'the password is wrong' }), {
      concurrency: 1,
    });
    const tidings = await start({ email: provider });
    const worker = await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'queued', 1);
    expect(worker.openCircuits()).toMatchObject([{ cause: 'the password is wrong' }]);
    expect(await tidings.attempts(id)).toMatchObject([{ outcome: 'misconfigured' }]);
    expect(await tidings.delivery(id)).toMatchObject({ reason_code: 'retrying', reason: 'the password is wrong' });
  });

  test('is probed with a delivery that has not failed yet, though others are due longer', async () => {
    let answer: Answer = () => DOWN;
    const provider = fakeProvider((...call) => answer(...call));
    const tidings = await start({ email: provider, internal: fakeProvider() });
    const worker = await tidings.worker();
    await tidings.ingest(Array.from({ length: 20 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
    await expect.poll(() => worker.busy).toBe(0);
    tidings.clock.now += 1500;
    const fresh = await tidings.post('mail', { n: 20 });
    await tidings.passOneRound();
    const probes: string[] = [];
    answer = ({ idempotencyKey }) => {
      probes.push(idempotencyKey);
      return DELIVERED;
    };
    tidings.clock.now += 500;
    await tidings.becomes(fresh, 'sent', 1);
    expect(probes[0]).toBe(fresh);
  });

  test('is not concluded from messages that the provider rejects or recipients that it defers', async () => {
    const outcomes: SendOutcome[] = [
      { kind: 'rejected', reason: 'no', response: '550 no' },
      { kind: 'address_dead', reason: 'no such user' },
      { kind: 'retry', reason: 'mailbox full', of: 'recipient' },
      { kind: 'retry', reason: 'odd content', of: 'message' },
    ];
    const provider = fakeProvider(({ message }) => outcomes[Number(/\d+/.exec(message.text)?.[0]) % 4] ?? DELIVERED);
    const tidings = await start({ email: provider });
    const worker = await tidings.worker();
    await tidings.ingest(Array.from({ length: 80 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => provider.calls.length).toBeGreaterThanOrEqual(80);
    await expect.poll(() => worker.busy).toBe(0);
    expect(worker.openCircuits()).toEqual([]);
  });

  test('is not concluded from a database that is away', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    const broken = new Proxy(tidings.database.pool, {
      get: (target, name) =>
        name === 'query'
          ? (query: { name?: string }) =>
              query.name === 'mark-send-started'
                ? Promise.reject(new Error('Connection terminated unexpectedly'))
                : target.query(query as never)
          : Reflect.get(target, name, target),
    });
    const worker = await tidings.worker({ pool: broken });
    await tidings.ingest(Array.from({ length: 25 }, (_, n) => eventOf('held', { n })));
    const mail = await tidings.post('mail');
    await tidings.becomes(mail, 'sent');
    expect(worker.openCircuits()).toEqual([]);
    expect(provider.calls.length).toBe(1);
    const { rows } = await tidings.database.pool.query('select count(*) as attempts from attempts');
    expect(rows).toEqual([{ attempts: 0 }]);
  });
});
