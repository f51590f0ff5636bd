import { afterEach, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The loops of the workers say how long they have made no progress, for the liveness of their process. */

let tidings: TestTidings;
let release = () => {};

afterEach(async () => {
  release();
  await tidings.close();
});

test('loops that work, or have nothing to do, are never idle for long', async () => {
  tidings = await testTidings({ email: sandboxProvider(['email']) });
  const [worker, timers] = [await tidings.worker(), await tidings.timers()];
  const until = performance.now() + 1000;
  while (performance.now() < until) {
    expect(Math.max(worker.idleTime, timers.idleTime)).toBeLessThan(15_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test('a loop that waits for something that does not come is idle ever longer', async () => {
  tidings = await testTidings();
  const { pipeline } = tidings;
  let isCalled = false;
  const hung = new Promise<never[]>((resolve) => {
    release = () => resolve([]);
  });
  const ingest = () => {
    isCalled = true;
    return hung;
  };
  const time = { now: 0 };
  await tidings.pool.query(
    `insert into outbox_events (tenant_id, user_id, event_id, event, due_at) values ($1, 'u', 'e', '{}', $2)`,
    [TENANT, new Date(tidings.clock.now - 1000)],
  );
  const timers = await tidings.timers({
    elapsed: () => time.now,
    pipeline: {
      ingest,
      fireDueWaits: pipeline.fireDueWaits.bind(pipeline),
      runSchedule: pipeline.runSchedule.bind(pipeline),
    } as unknown as typeof pipeline,
  });
  await expect.poll(() => isCalled).toBe(true);
  time.now = 200_000;
  expect(timers.idleTime).toBe(200_000);
  release();
  await expect.poll(() => timers.idleTime).toBe(0);
});
