import { afterAll, beforeAll, expect, test } from 'vitest';
import { BASE, catalogOf, HOUR, plainRule } from './support/random-catalog.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A rule that has fired for a trigger does not fire again, however much fired for the user since. */

const since = { kind: 'since', event: 'c', text: 'since c' } as const;
const rules = [
  plainRule({ name: 'R', on: ['a'], count: { of: ['b'], how: 'exactly', n: 1, window: since } }),
  plainRule({ name: 'Z', on: ['z'] }),
];
const MINUTE = HOUR / 60;

let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings({}, catalogOf(rules));
  tidings.clock.now = BASE + 48 * HOUR;
});
afterAll(() => tidings.close());

const item = (type: string, time: number, id: string) => ({
  event_id: id,
  user_id: 'u',
  event_type: type,
  event_timestamp: new Date(time).toISOString(),
});

test('a rule fires once for a trigger before more than a thousand events on which others fired', async () => {
  const post = async (type: string, minutes: number, id: string) => {
    const [result] = await tidings.ingest([item(type, BASE + HOUR + minutes * MINUTE, id)]);
    return result?.decisions.filter(({ rule, outcome }) => rule === 'R' && outcome === 'send').length;
  };
  await post('c', -20, 'c1');
  await post('b', -10, 'b1');
  expect(await post('a', 0, 'a1')).toBe(1);
  const others = Array.from({ length: 1100 }, (_, n) => item('z', BASE + 2 * HOUR + n * 1000, `z${n}`));
  for (let from = 0; from < others.length; from += 500) await tidings.ingest(others.slice(from, from + 500));
  await post('a', 600, 'a2');
  // The count of the first trigger is 2, and 1 again: it was met before.
  expect(await post('b', -15, 'b2')).toBe(0);
  expect(await post('c', -12, 'c2')).toBe(0);
});
