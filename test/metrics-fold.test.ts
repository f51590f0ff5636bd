import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { countBuckets, coverSpan, floorTo } from '../src/analytics/cover-span.ts';
import { FoldWorker } from '../src/analytics/fold-worker.ts';
import { listProviderNames, loadProvider } from '../src/channels/registry.ts';
import { CHANNEL_DESCRIPTORS } from '../src/model/channels/channels.ts';
import { foldDeltas, MAX_DAY_VALUES } from '../src/store/metrics/fold.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { foldAll, loadRollups } from './support/metrics.ts';
import { runs } from './support/properties.ts';
import { silent } from './support/tidings.ts';

/** Counts of transactions are added to the roll-ups exactly once, whatever interrupts it. */

const NOW = Date.parse('2025-11-20T12:00:00Z');
const MINUTE = NOW / 60_000;
const PERIODS = { minute: 2 * 86_400_000, hour: 90 * 86_400_000, day: null, week: null };
const FOREVER = { minute: null, hour: null, day: null, week: null };

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());
beforeEach(() => database.pool.query('delete from metric_deltas; delete from metric_rollups'));

async function add(items: readonly object[], tenant = 'default', times = 1): Promise<void> {
  await database.pool.query(
    'insert into metric_deltas (tenant_id, items) select $1, $2::json from generate_series(1, $3)',
    [tenant, JSON.stringify(items), times],
  );
}

async function sent(tenant = 'default', key = 'day|channel|2025-11-20T00:00:00.000Z||email|'): Promise<number> {
  return (await loadRollups(database.pool, tenant))[key]?.sent ?? 0;
}

const SENT = { minute: MINUTE, type: 'T', channel: 'email', provider: 'ses', sent: 1 };

test('a fold that is killed in the middle has done nothing, and the next one adds it once', async () => {
  await add([SENT]);
  await foldAll(database.pool, NOW);
  await add([SENT], 'default', 3);
  const other = openPool(database.url, { max: 1, name: 'fold' });
  other.on('error', () => {});
  const holder = await database.pool.connect();
  try {
    await holder.query('begin');
    await holder.query(`select from metric_rollups where grain = 'week' for update`);
    const { rows } = await other.query('select pg_backend_pid() as pid');
    const fold = foldDeltas(other, 'default', NOW, FOREVER).then(
      () => 'done',
      () => 'cut off',
    );
    const waiting = `select count(*)::int as n from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await database.pool.query(waiting, [rows[0].pid])).rows[0].n).toBe(1);
    await database.pool.query('select pg_terminate_backend($1)', [rows[0].pid]);
    expect(await fold).toBe('cut off');
  } finally {
    await holder.query('rollback');
    holder.release();
    await other.end();
  }
  expect(await sent()).toBe(1);
  await foldAll(database.pool, NOW);
  expect(await sent()).toBe(4);
});

test('folds of several processes at once add each delta once', async () => {
  await add([SENT], 'default', 60);
  await Promise.all(Array.from({ length: 4 }, () => foldDeltas(database.pool, 'default', NOW, FOREVER, 10)));
  await foldAll(database.pool, NOW, 7);
  expect(await sent()).toBe(60);
});

test('the worker folds every tenant, in turns, also one with more than a fold takes', async () => {
  await add([SENT], 'a', 2500);
  await add([SENT], 'b', 2);
  const worker = new FoldWorker({ pool: database.pool, clock: () => NOW, log: silent, periods: FOREVER, pause: 20 });
  worker.start();
  await expect.poll(() => sent('a')).toBe(2500);
  await expect.poll(() => sent('b')).toBe(2);
  await add([SENT], 'c');
  await expect.poll(() => sent('c')).toBe(1);
  await worker.stop();
});

test('a message can be confirmed as delivered if its provider has receipts, or is the inbox', async () => {
  const names = [...listProviderNames(), 'inbox', 'log', 'noop'];
  const { rows } = await database.pool.query('select n from unnest($1::text[]) as n where confirms_delivery(n)', [
    names,
  ]);
  const reporting: string[] = [];
  for (const name of listProviderNames()) {
    const definition = await loadProvider(name);
    if (definition?.receipts && definition.correlatesBy !== 'nothing') reporting.push(name);
  }
  expect(rows.map(({ n }) => n).sort()).toEqual([...reporting, 'inbox'].sort());
});

test('a message is delivered with its sending on the channels of which the model says so, and no others', async () => {
  const { rows } = await database.pool.query('select n from unnest($1::text[]) as n where is_delivered_at_once(n)', [
    [...listProviderNames(), 'inbox', 'log', 'noop'],
  ]);
  const atOnce = Object.values(CHANNEL_DESCRIPTORS).filter(({ arrivesAtOnce }) => arrivesAtOnce);
  expect(rows.map(({ n }) => n)).toEqual(atOnce.map(({ ownProvider }) => ownProvider));
});

test('what is corrected to nothing is 0 in every sum', async () => {
  await add([SENT]);
  await foldAll(database.pool, NOW);
  await add([{ ...SENT, sent: -1 }]);
  await foldAll(database.pool, NOW);
  expect(await loadRollups(database.pool, 'default')).toEqual({});
});

test('sums of minutes and hours that are no longer kept are not begun again', async () => {
  await add([
    { ...SENT, minute: MINUTE - 3 * 1440 },
    { ...SENT, minute: MINUTE - 100 * 1440 },
  ]);
  await foldDeltas(database.pool, 'default', NOW, PERIODS);
  const grains = Object.keys(await loadRollups(database.pool, 'default')).filter((key) => key.includes('|channel|'));
  expect(grains.map((key) => key.split('|')[0]).sort()).toEqual([
    'day',
    'day',
    'four_weeks',
    'four_weeks',
    'hour',
    'week',
    'week',
  ]);
});

test('types of events beyond the bound of a day are counted together, those before it apart', async () => {
  const events = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({
      minute: MINUTE,
      event: `e${String(from + n).padStart(5, '0')}`,
      events: 1,
    }));
  await add(events(0, MAX_DAY_VALUES - 1));
  await foldAll(database.pool, NOW);
  await add(events(0, MAX_DAY_VALUES + 20));
  await foldAll(database.pool, NOW);
  const of = async (value: string) =>
    (await loadRollups(database.pool, 'default'))[`day|event|2025-11-20T00:00:00.000Z|||${value}`]?.events;
  expect([await of('e00000'), await of('e00499'), await of('e00500'), await of('(other)')]).toEqual([
    2,
    1,
    undefined,
    20,
  ]);
});

test('a span of any length is covered once, by few sums, and by none that are removed', () => {
  const minute = 60_000;
  const day = 1440 * minute;
  const ends = fc.tuple(fc.integer({ min: 0, max: 3000 * 1440 }), fc.integer({ min: 1, max: 1200 * 1440 }));
  const kept = fc.constantFrom(null, 31 * day, 400 * day);
  fc.assert(
    fc.property(ends, kept, ([ago, length], week) => {
      const [from, to] = [NOW - (ago + length) * minute, NOW - ago * minute];
      const periods = { minute: 2 * day, hour: 90 * day, day: week, week };
      const covered = coverSpan({ from, to }, { now: NOW, periods, finest: 'minute' });
      expect(covered.from).toBeLessThanOrEqual(from);
      expect(covered.to).toBeGreaterThanOrEqual(to);
      let end = covered.from;
      let buckets = 0;
      for (const segment of covered.segments) {
        expect(segment.from).toBe(end);
        expect([floorTo(segment.grain, segment.from), floorTo(segment.grain, segment.to)]).toEqual([
          segment.from,
          segment.to,
        ]);
        end = segment.to;
        buckets += countBuckets(segment.grain, segment.from, segment.to);
        if (segment.grain === 'four_weeks' && week !== null) expect(segment.from).toBeGreaterThanOrEqual(NOW - week);
      }
      expect(end).toBe(covered.to);
      // Six weeks, twelve days, 46 hours and 118 minutes at the ends; older ones in weeks.
      expect(buckets).toBeLessThanOrEqual(6 + 12 + 46 + 118 + (week === null ? 1 : 4) * Math.ceil(length / 1440 / 28));
    }),
    runs(200),
  );
});
