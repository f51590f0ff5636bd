import { expect, test } from 'vitest';
import type { TargetSource } from '../src/delivery/targets.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** A message to several devices is one delivery for each, with attempts and an outcome of its own. */

const start = useDeliveries();

const DEVICE = { kind: 'device', platform: 'ios', registeredAt: 0 } as const;

function devices(ids: readonly string[]): TargetSource & { gone: Set<string> } {
  const gone = new Set<string>();
  return {
    gone,
    list: async () => ids.filter((id) => !gone.has(id)),
    load: async (_tenant, id) => (gone.has(id) ? undefined : { ...DEVICE, token: `token of ${id}` }),
    missing: { reasonCode: 'missing_device', reason: 'No device is registered.' },
  };
}

async function push(source: TargetSource, provider = fakeProvider()) {
  const tidings = await start({ push: provider });
  await tidings.apply(
    new Map(
      [
        ...deliveryCatalog({
          'events.yaml': 'events: { news: {} }',
          'notifications.yaml': 'notifications: { NEWS: { category: SYSTEM, channels: [push] } }',
          'rules.yaml': 'rules: { NEWS: { on: news } }',
          'templates/NEWS/push.en.txt': 'News',
        }),
      ].filter(([file]) => !/^templates\/(?!NEWS)/.test(file)),
    ),
  );
  const [result] = await tidings.ingest([eventOf('news')]);
  await tidings.worker({ targets: new Map([['push', source]]) });
  return { tidings, provider, id: `${result?.decisions[0]?.notification_id}.push` };
}

test('each device gets the message once, and each by itself fails or is tried again', async () => {
  const { tidings, provider, id } = await push(
    devices(['a', 'b', 'c']),
    fakeProvider(({ target, attempt }) => {
      if (target.kind !== 'device') throw new Error('no device');
      if (target.token === 'token of b')
        return { kind: 'address_dead', as: 'unregistered', reason: 'gone', code: 'UNREGISTERED' };
      return target.token === 'token of c' && attempt === 1
        ? { kind: 'retry', of: 'recipient', reason: 'busy' }
        : DELIVERED;
    }),
  );
  await tidings.becomes(`${id}.a`, 'sent', 1);
  await tidings.becomes(`${id}.b`, 'dead', 1);
  await tidings.becomes(`${id}.c`, 'queued', 1);
  tidings.clock.now += 600_000;
  await tidings.becomes(`${id}.c`, 'sent', 2);
  expect(await tidings.delivery(id)).toBeUndefined();
  const keys = provider.calls.map(({ idempotencyKey }) => idempotencyKey).sort();
  expect(keys).toEqual([`${id}.a`, `${id}.b`, `${id}.c`, `${id}.c`]);
});

test('without a device the delivery is undeliverable, and the reason says so', async () => {
  const { tidings, provider, id } = await push(devices([]));
  await tidings.becomes(id, 'undeliverable');
  expect(await tidings.delivery(id)).toMatchObject({
    reason_code: 'missing_device',
    reason: 'No device is registered.',
  });
  expect(provider.calls).toEqual([]);
});

test('a device that is removed before its turn ends its delivery with that reason', async () => {
  const source = devices(['a', 'b']);
  const { tidings, id } = await push(
    source,
    fakeProvider(({ attempt }) => (attempt === 1 ? { kind: 'retry', of: 'recipient', reason: 'busy' } : DELIVERED)),
  );
  await tidings.becomes(`${id}.b`, 'queued', 1);
  source.gone.add('b');
  tidings.clock.now += 600_000;
  await tidings.becomes(`${id}.b`, 'undeliverable');
  expect((await tidings.delivery(`${id}.b`))?.reason_code).toBe('target_gone');
  await tidings.becomes(`${id}.a`, 'sent', 2);
});
