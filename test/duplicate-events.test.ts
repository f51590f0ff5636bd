import { expect, test } from 'vitest';
import { countRows, findFirings, limitedRule } from './support/limit-oracle.ts';
import { itemOf, useProcessPair } from './support/process-pair.ts';
import { BASE } from './support/random-catalog.ts';

const pair = useProcessPair();

test('of one ID for different users at once, one event is accepted, the others are in conflict', async () => {
  await pair().applyRules([limitedRule({ max: 1, period: { kind: 'ever' }, text: 'once' })]);
  const run = pair().nextRun();
  const ids = Array.from({ length: 20 }, (_, index) => `${run} shared ${index}`);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, user) => {
      // Each in its own order, so that they meet crosswise.
      const order = ids.map((_, index) => ids[(index * 7 + user * 3) % ids.length] as string);
      const items = order.map((id, index) => ({
        event_id: id,
        user_id: `${run} ${user} ${index}`,
        event_type: 'a',
        event_timestamp: new Date(BASE).toISOString(),
      }));
      return pair().ingest(user, items);
    }),
  );
  const of = (status: string) => answers.flat().filter((result) => result.status === status);
  expect(
    of('accepted')
      .map(({ eventId }) => eventId)
      .sort(),
  ).toEqual([...ids].sort());
  expect(of('conflict')).toHaveLength(7 * ids.length);
  expect(await findFirings(pair(), run, [], () => BASE)).toHaveLength(ids.length);
});

test('an ID is known forever, also after its event was dropped with its month', async () => {
  await pair().applyRules([limitedRule({ max: 1, period: { kind: 'ever' }, text: 'once' })]);
  const item = { event_id: 'kept', user_id: 'kept', event_type: 'a', event_timestamp: new Date(BASE).toISOString() };
  const post = async (one: object) => {
    const [result] = await pair().ingest(0, [one]);
    return [result?.status, result?.decisions.length];
  };
  expect(await post(item)).toEqual(['accepted', 1]);
  await pair().tidings.database.pool.query(`delete from events where user_id = 'kept'`);
  const before = await countRows(pair());
  expect(await post(item)).toEqual(['duplicate', 0]);
  expect(await post({ ...item, properties: { n: 1 } })).toEqual(['conflict', 0]);
  expect(await countRows(pair())).toEqual(before);
});

test('of events repeated in one request the first counts, the others are duplicates or in conflict', async () => {
  await pair().applyRules([limitedRule({ max: 3, period: { kind: 'ever' }, text: '3 ever' })]);
  const run = pair().nextRun();
  const item = itemOf(run, { user: 0, type: 'a', time: BASE, n: 1, vip: null }, 0);
  const results = await pair().ingest(0, [item, item, { ...item, properties: { n: 2 } }, item]);
  expect(results.map(({ status }) => status)).toEqual(['accepted', 'duplicate', 'conflict', 'duplicate']);
  expect(results[1]?.decisions).toEqual(results[0]?.decisions);
  expect(results[3]?.decisions).toEqual(results[0]?.decisions);
  expect(await findFirings(pair(), run, [], () => BASE)).toHaveLength(1);
});
