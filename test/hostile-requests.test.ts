import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { BASE, catalogOf, DAY, HOUR } from './support/random-catalog.ts';
import { anyRules } from './support/random-history.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';
import { randomFrom } from './torture/random.ts';

/**
 * A hostile history over HTTP, under rules drawn at random: hundreds of events of one user, on time, late and in the future,
 * some with a large payload, while other users post one event at a time.
 */

/** Bounds, generous because other programs run on the machine: without them, each is exceeded by far when work is not bounded. */
const MAX_RESPONSE_MS = 8000;
/** CPU time of this process while a request waits; other programs do not count. */
const MAX_RESPONSE_CPU_MS = 1000;
const MAX_HEAP_BYTES = 400 * 1024 * 1024;

const EVENTS_PER_REQUEST = 500;
const SEEDS = [1, 2, 3, 4];

let tidings: TestTidings;
let server: TestServer;
beforeAll(async () => {
  tidings = await testTidings({}, catalogOf([]));
  tidings.clock.now = BASE + 10 * DAY;
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

test.each(SEEDS)(
  'under the rules of seed %i, no other request waits for one user, and the heap is bounded',
  async (seed) => {
    const [rules = []] = fc.sample(anyRules(true), { seed, numRuns: 1 });
    await tidings.apply(catalogOf(rules));
    const random = randomFrom(seed);
    const user = `hostile ${seed}`;
    const requests = [0, 1].map((part) =>
      Array.from({ length: EVENTS_PER_REQUEST }, (_, n) =>
        hostileItem(user, `${part} ${n}`, tidings.clock.now, random),
      ),
    );
    const heapBefore = process.memoryUsage().heapUsed;
    let heap = 0;
    const others: { status: number; took: number; cpu: number }[] = [];
    let isDone = false;
    const postOthers = async () => {
      for (let n = 0; !isDone || n < 3; n++) {
        const before = performance.now();
        const cpuBefore = process.cpuUsage();
        const item = {
          ...hostileItem(`other ${seed} ${n}`, '', tidings.clock.now, random),
          properties: { n: 1, k: 'x' },
        };
        const { status } = await server.post('/api/v1/events', { ...item, event_timestamp: at(tidings.clock.now) });
        const { user: inUser, system } = process.cpuUsage(cpuBefore);
        others.push({ status, took: performance.now() - before, cpu: (inUser + system) / 1000 });
        heap = Math.max(heap, process.memoryUsage().heapUsed - heapBefore);
      }
    };
    const beside = postOthers();
    const answers = [];
    for (const items of requests) answers.push(await server.post('/api/v1/events', items));
    tidings.clock.now += 2 * DAY;
    await tidings.fireDueWaits([user]);
    await tidings.pipeline.drain();
    isDone = true;
    await beside;

    for (const { status, body } of answers) {
      expect(status).toBeLessThan(500);
      const codes = body.rejected.map((one: { code: string }) => one.code);
      expect(codes.filter((code: string) => code !== 'event_in_future' && code !== 'too_costly')).toEqual([]);
      expect(body.accepted + codes.length).toBe(EVENTS_PER_REQUEST);
    }
    expect(others.filter(({ status }) => status !== 200 && status !== 202)).toEqual([]);
    expect(Math.max(...others.map(({ took }) => took))).toBeLessThan(MAX_RESPONSE_MS);
    expect(Math.max(...others.map(({ cpu }) => cpu))).toBeLessThan(MAX_RESPONSE_CPU_MS);
    expect(heap).toBeLessThan(MAX_HEAP_BYTES);
  },
);

function at(time: number): string {
  return new Date(time).toISOString();
}

function hostileItem(user: string, id: string, now: number, random: ReturnType<typeof randomFrom>) {
  const ago = random.pick([
    0,
    random.between(0, 5),
    random.between(0, 3 * DAY),
    -random.between(0, 23 * HOUR),
    -2 * DAY,
  ]);
  return {
    event_id: `${user} ${id}`,
    user_id: user,
    event_type: random.pick(['a', 'b', 'c', 'd']),
    event_timestamp: at(now - ago),
    properties: {
      n: random.between(1, 3),
      k: random.pick(['x', 'y']),
      starts_at: at(now + random.between(-DAY, 2 * DAY)),
      ...(random.chance(0.05) && { payload: 'x'.repeat(20_000) }),
    },
    user_traits: random.chance(0.3)
      ? { plan: random.pick(['free', 'pro']), vip: random.chance(0.5), ends_at: at(now + random.between(0, 2 * DAY)) }
      : {},
  };
}
