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

test('a rule that may have fired before more than 10,000 events on which others fired does not fire: the decision says why', async () => {
  const post = async (type: string, minutes: number, id: string) => {
    const [result] = await tidings.ingest([{ ...item(type, BASE + HOUR + minutes * MINUTE, id), user_id: 'many' }]);
    return result?.decisions
      .filter(({ rule }) => rule === 'R')
      .map(({ reason_code: code, outcome }) => [code, outcome]);
  };
  await post('c', -20, 'many c1');
  await post('b', -10, 'many b1');
  expect(await post('a', 0, 'many a1')).toEqual([['matched', 'send']]);
  await post('z', 60, 'many z');
  await tidings.database.pool.query(
    `insert into events (tenant_id, user_id, event_time, key, event_type, event_id, received_at, properties, traits,
                         catalog_version, has_fired, decisions)
     select tenant_id, user_id, event_time + n * interval '1 second', gen_random_uuid(), event_type, event_id || n, received_at,
            properties, traits, catalog_version, has_fired, decisions
     from events, generate_series(1, 10100) as n where user_id = 'many' and event_type = 'z'`,
  );
  await post('a', 600, 'many a2');
  expect(await post('b', -15, 'many b2')).toEqual([]);
  // The second trigger is known to have fired.
  expect(await post('c', -12, 'many c2')).toEqual([['too_much_history', 'failed']]);
  const { rows } = await tidings.database.pool.query(
    `select count(*) as n from notifications where user_id = 'many' and rule = 'R'`,
  );
  expect(rows).toEqual([{ n: 2 }]);
  // A trigger that arrives now is decided.
  expect(await post('a', 601, 'many a3')).toEqual([['matched', 'send']]);
});
