import { afterAll, beforeAll, expect, test } from 'vitest';
import { countLockWaits, otherProcess } from './support/processes.ts';
import { catalogOf, plainRule } from './support/random-catalog.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Users whose history is costly: the CPU budget of a batch, and what becomes of those who exceed it. */

const DAY = 86_400_000;
const NOW = Date.parse('2025-11-20T12:00:00Z');
const rule = plainRule({
  name: 'R',
  on: ['a'],
  count: { of: ['a'], how: 'at_least', n: 3, window: { kind: 'rolling', span: DAY, text: '24h' } },
});
const AMPLE = { perUser: 60_000, total: 60_000 };
const NOTHING = { perUser: -1, total: 60_000 };

let tidings: TestTidings;
let run = 0;
beforeAll(async () => {
  tidings = await testTidings({}, catalogOf([rule]));
});
afterAll(() => tidings.close());

const event = (user: string, n: number, type = 'a') => ({
  event_id: `${user} ${n}`,
  user_id: user,
  event_type: type,
  event_timestamp: new Date(NOW - n * 1000).toISOString(),
});

async function countStored(user: string): Promise<number> {
  const { rows } = await tidings.pool.query('select count(*)::int as n from events where user_id = $1', [user]);
  return rows[0].n;
}

test('a user over the budget of a batch is decided apart, and with the same results', async () => {
  const name = `costly ${++run}`;
  const strict = otherProcess(tidings, { cpu: { shared: NOTHING, slow: AMPLE } }, tidings.catalogs);
  const items = Array.from({ length: 5 }, (_, n) => event(name, n));
  const results = await strict.ingest([event('other', run), ...items, event('another', run)]);
  expect(results.map(({ status, eventId }) => [status, eventId])).toEqual([
    ['accepted', `other ${run}`],
    ...items.map(({ event_id }) => ['accepted', event_id]),
    ['accepted', `another ${run}`],
  ]);
  const usual = await tidings.ingest(
    items.map((item) => ({ ...item, user_id: `${name} b`, event_id: `${item.event_id} b` })),
  );
  const codes = (all: typeof usual) => all.map(({ decisions }) => decisions.map(({ reason_code }) => reason_code));
  expect(codes(results.slice(1, 6))).toEqual(codes(usual));
});

test('an event that is too costly on its own is rejected with too_costly, and is in the quarantine', async () => {
  const name = `hopeless ${++run}`;
  const strict = otherProcess(tidings, { cpu: { shared: NOTHING, slow: NOTHING } }, tidings.catalogs);
  const results = await strict.ingest([event(name, 1), event(name, 2)]);
  expect(results.map(({ status, code }) => [status, code])).toEqual([
    ['rejected', 'too_costly'],
    ['rejected', 'too_costly'],
  ]);
  expect(await countStored(name)).toBe(0);
  const { rows } = await tidings.pool.query(
    `select count(*)::int as n from rejected_events where tenant_id = $1 and code = 'too_costly'`,
    [TENANT],
  );
  expect(rows[0].n).toBeGreaterThanOrEqual(2);
  // An update of the rules, say: then it is accepted.
  expect((await tidings.ingest([event(name, 1)])).map(({ status }) => status)).toEqual(['accepted']);
});

test('no other request waits for the events of a costly user', async () => {
  const name = `stuck ${++run}`;
  const strict = otherProcess(tidings, { cpu: { shared: NOTHING, slow: AMPLE } }, tidings.catalogs);
  await strict.ingest([event(name, 1)]);
  // Another process holds the lock of the user, so the slow lane waits.
  const { release } = await tidings.holdUsers([name]);
  const stuck = strict.ingest([event(name, 2), event(`beside ${run}`, 1)]);
  await expect.poll(() => countLockWaits(tidings)).toBe(1);
  expect((await strict.ingest([event(`free ${run}`, 1)])).map(({ status }) => status)).toEqual(['accepted']);
  expect(await countStored(`beside ${run}`)).toBe(1);
  await release();
  expect((await stuck).map(({ status }) => status)).toEqual(['accepted', 'accepted']);
});

test('more events of a costly user than the lane holds are answered overloaded, and only these', async () => {
  const name = `flood ${++run}`;
  const strict = otherProcess(tidings, { cpu: { shared: NOTHING, slow: AMPLE } }, tidings.catalogs);
  await strict.ingest([event(name, 0)]);
  const { release } = await tidings.holdUsers([name]);
  const held = Array.from({ length: 2 }, (_, part) =>
    strict.ingest(Array.from({ length: 1000 }, (_, n) => event(name, part * 1000 + n + 1))),
  );
  await expect.poll(() => countLockWaits(tidings)).toBe(1);
  await expect
    .poll(() =>
      strict.ingest([event(name, 5000)]).then(
        () => '',
        ({ code }) => code,
      ),
    )
    .toBe('overloaded');
  expect((await strict.ingest([event(`free ${run}`, 1)])).map(({ status }) => status)).toEqual(['accepted']);
  await release();
  for (const results of await Promise.all(held))
    expect(results.every(({ status }) => status === 'accepted')).toBe(true);
});

test('a stream is decided in its order, and leaves a costly user behind in a bounded number of transactions', async () => {
  const name = `streaming ${++run}`;
  const strict = otherProcess(tidings, { cpu: { shared: NOTHING, slow: NOTHING } }, tidings.catalogs);
  const { moves, batch } = streamOf(Array.from({ length: 40 }, (_, n) => event(name, n)));
  expect(await strict.pipeline.ingestInOrder(batch, false)).toEqual({
    accepted: 0,
    duplicates: 0,
    rejected: 40,
    skipped: 0,
  });
  expect(moves.map(([from]) => from)).toEqual([0, ...moves.slice(0, -1).map(([, to]) => to)]);
  expect(moves.at(-1)?.[1]).toBe(40);
  expect(moves.length).toBeLessThan(15);
  const { rows } = await tidings.pool.query(
    `select count(*)::int as n from rejected_events where source = 'test' and code = 'too_costly'`,
  );
  expect(rows[0].n).toBe(40);
});

test('of a stream whose position was moved meanwhile nothing is stored', async () => {
  const name = `moved ${++run}`;
  const { batch } = streamOf(
    [event(name, 1), event(name, 2)],
    `do $$ begin raise 'moved' using errcode = 'TD001'; end $$`,
  );
  await expect(tidings.pipeline.ingestInOrder(batch, false)).rejects.toMatchObject({ code: 'TD001' });
  expect(await countStored(name)).toBe(0);
  const { batch: again, moves } = streamOf([event(name, 1), event(name, 2)]);
  expect(await tidings.pipeline.ingestInOrder(again, true)).toMatchObject({ accepted: 2 });
  expect(moves).toEqual([[0, 2]]);
});

/** Returns a stream of these events, and the moves of its position that were written. */
function streamOf(events: readonly object[], text = 'select 1') {
  const moves: [from: number, to: number][] = [];
  const items = events.map((item, n) => ({ event: { item }, kept: item, origin: { source: 'test', position: { n } } }));
  const advance = (from: number, to: number) => {
    moves.push([from, to]);
    return { name: `advance ${text}`.slice(0, 20), text };
  };
  return { moves, batch: { tenantId: TENANT, items, advance } };
}
