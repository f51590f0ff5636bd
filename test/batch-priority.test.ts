import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { batchesOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** A transactional message does not wait for a batch. */

vi.setConfig({ testTimeout: 240_000 });

const at = useNotifications();
const RECIPIENTS = 8000;

test('while a batch runs, direct sends and events are answered and handed over long before it ends', async () => {
  const { tidings, server, send, user, email } = at();
  const { create, add, command, get, ends } = batchesOf(at());
  for (const id of ['direct', 'event']) await user(id, { email: `${id}@example.com` });
  const id = await create({ type: 'PROMO' });
  const lines = Array.from({ length: RECIPIENTS }, (_, n) => ({ email: `u${n}@example.com` }));
  await add(id, lines);
  await tidings.worker();
  tidings.batches();
  const startedAt = performance.now();
  await command(id, 'start');
  await expect.poll(async () => (await get(id)).counts.pending, { timeout: 60_000 }).toBeLessThan(RECIPIENTS * 0.9);
  const isHandedOver = async (userId: string) => {
    const from = performance.now();
    while (!email.calls.some((call) => call.userId === userId)) await sleep(5);
    return performance.now() - from;
  };
  const before = performance.now();
  const { body } = await send({ recipients: [{ user_id: 'direct' }], channels: ['email'], priority: 'HIGH' });
  expect(body.accepted).toBe(1);
  const at1 = new Date(tidings.clock.now).toISOString();
  await server.post('/api/v1/events', { user_id: 'event', event_type: 'signed_up', event_timestamp: at1 });
  const answered = performance.now() - before;
  const handedOver = Math.max(await isHandedOver('direct'), await isHandedOver('event'));
  const left = (await get(id)).counts;
  expect((left.pending ?? 0) + (left.accepted ?? 0)).toBeGreaterThan(0);
  await ends(id, 200_000);
  const whole = performance.now() - startedAt;
  expect(answered).toBeLessThan(whole / 4);
  expect(handedOver).toBeLessThan(whole / 4);
  expect(new Set(email.calls.map(({ userId }) => userId)).size).toBe(RECIPIENTS + 2);
  expect(email.calls).toHaveLength(RECIPIENTS + 2);
});
