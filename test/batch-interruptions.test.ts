import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { batchesOf, sumOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** Each line of a batch that is interrupted has one result, and no user gets the message twice. */

vi.setConfig({ testTimeout: 180_000 });

const at = useNotifications();

const step = fc.oneof(
  fc.record({ kind: fc.constant('pause' as const), ms: fc.nat(60) }),
  fc.record({ kind: fc.constant('die' as const), ms: fc.nat(60) }),
  fc.record({ kind: fc.constant('lose' as const), ms: fc.nat(60) }),
  fc.record({ kind: fc.constant('rate' as const), ms: fc.integer({ min: 50, max: 2000 }) }),
);

const line = fc.oneof(
  { weight: 8, arbitrary: fc.nat(150).map((n) => ({ user_id: `u${n}` })) },
  { weight: 4, arbitrary: fc.nat(150).map((n) => ({ email: `U${n}@example.com` })) },
  { weight: 2, arbitrary: fc.nat(50).map((n) => ({ email: `new${n}@example.com` })) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '{', '{"user_id":1}', '{"email":"none"}') },
);

test('each line has one result, whatever is paused, resumed, lost and repeated', async () => {
  const { tidings, server, user, email } = at();
  const { create, add, command, get, ends, results } = batchesOf(at());
  for (let n = 0; n <= 150; n += 2) await user(`u${n}`, { email: `u${n}@example.com` });
  await tidings.worker();
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 400 }),
      fc.array(step, { maxLength: 12 }),
      fc.boolean(),
      async (lines, steps, isCancelled) => {
        const before = email.calls.length;
        const id = await create();
        await add(id, lines);
        let chance = 0;
        // The answer of an ingest that was committed is lost, or the process with it.
        const pipeline = {
          get waiting() {
            return tidings.pipeline.waiting;
          },
          async ingest(...parameters: Parameters<typeof tidings.pipeline.ingest>) {
            const answer = await tidings.pipeline.ingest(...parameters);
            if (chance-- > 0) throw new Error('the answer was lost');
            return answer;
          },
        };
        const start = () => tidings.batches({ page: 17, poll: 5, lease: 100, pipeline });
        let workers = [start(), start()];
        await command(id, 'start');
        for (const { kind, ms } of steps) {
          if (kind === 'pause') {
            await command(id, 'pause');
            await sleep(ms);
            await command(id, 'resume');
          } else if (kind === 'die') {
            const [first, ...others] = workers;
            await first?.stop();
            workers = [...others, start()];
          } else if (kind === 'lose') chance = 2;
          else await server.send('PATCH', `/api/v1/batches/${id}`, { per_second: ms });
          await sleep(ms % 60);
          const now = await get(id);
          expect(sumOf(now)).toBe(lines.length);
        }
        chance = 0;
        await server.send('PATCH', `/api/v1/batches/${id}`, { per_second: null });
        if (isCancelled) await command(id, 'cancel');
        const ended = await ends(id, 60_000);
        await Promise.all(workers.map((worker) => worker.stop()));
        const found = await results(id);
        expect(sumOf(ended)).toBe(lines.length);
        expect(found.map((one) => one.line)).toEqual(lines.map((_, n) => n));
        for (const [state, count] of Object.entries(ended.counts)) {
          expect([state, found.filter((one) => one.state === state).length]).toEqual([state, count]);
        }
        const sent = found.filter(({ state }) => state === 'sent').map(({ user_id }) => user_id);
        const calls = email.calls.slice(before).map(({ userId }) => userId);
        expect(calls.sort()).toEqual(sent.sort());
        expect(new Set(calls).size).toBe(calls.length);
      },
    ),
    { numRuns: 8 },
  );
});

test('what was sent by a turn that was lost is sent, though the batch was cancelled before the next one', async () => {
  const { tidings, user, email } = at();
  const { create, add, command, ends, results } = batchesOf(at());
  for (const id of ['early', 'late']) await user(id, { email: `${id}@example.com` });
  await tidings.worker();
  const id = await create();
  await add(id, [{ user_id: 'early' }, { email: 'early-too@example.com' }, { user_id: 'late' }]);
  const ingested = new EventEmitter();
  const isIngested = once(ingested, 'page');
  const pipeline = {
    waiting: 0,
    async ingest(...parameters: Parameters<typeof tidings.pipeline.ingest>) {
      await tidings.pipeline.ingest(...parameters);
      ingested.emit('page');
      throw new Error('the answer was lost');
    },
  };
  const before = email.calls.length;
  const lost = tidings.batches({ page: 2, poll: 5, pipeline });
  await command(id, 'start');
  await isIngested;
  await lost.stop();
  await expect.poll(() => email.calls.length, { timeout: 20_000 }).toBe(before + 2);
  await command(id, 'cancel');
  const next = tidings.batches({ page: 2, poll: 5 });
  const ended = await ends(id, 60_000);
  await next.stop();
  expect(ended).toMatchObject({ state: 'cancelled', counts: { sent: 2, cancelled: 1 } });
  expect((await results(id)).map(({ state }) => state)).toEqual(['sent', 'sent', 'cancelled']);
  expect(email.calls.length).toBe(before + 2);
});
