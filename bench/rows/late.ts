import type { CatalogData, Rule } from '../../src/model/catalog.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { type Row, rate } from '../row.ts';
import { type Setup, type Tidings, withTidings } from '../setup.ts';

const DAY_MS = 86_400_000;
const REQUEST_EVENTS = 1000;

/** An event that happened before those that are known makes them be looked at again: that must stay cheap. */
export const lateRow: Row = {
  id: 'late',
  name: '1,000 late events of one user in one request',
  unit: 'events/s',
  against: '1,000 on time',
  direction: 'higher',
  atLeast: 0.2,
  goal: 0.5,
  async measure(setup) {
    const measured = await withCounting(setup, async (tidings, now) => {
      const limit = await rate(REQUEST_EVENTS, () => post(tidings, 'late', 0, now, REQUEST_EVENTS));
      const value = await rate(REQUEST_EVENTS, () => post(tidings, 'late', 1, now - DAY_MS, REQUEST_EVENTS));
      return { limit, value };
    });
    return measured;
  },
};

/** A user may cost more with more events in the windows of the rules, but not with their square. */
export const windowRow: Row = {
  id: 'window',
  name: 'events of a user with 10,000 in the window, one a request',
  unit: 'events/s',
  against: 'of a user with 10',
  direction: 'higher',
  atLeast: 0.05,
  goal: 0.2,
  async measure(setup) {
    return await withCounting(setup, async (tidings, now) => {
      await post(tidings, 'few', 0, now - DAY_MS, 10);
      for (let part = 0; part < 10; part++)
        await post(tidings, 'many', part, now - DAY_MS + part * 1000, REQUEST_EVENTS);
      const onebyOne = async (userId: string) => {
        for (let n = 0; n < 100; n++) await post(tidings, userId, 1000 + n, now - 1000 + n, 1);
      };
      const limit = await rate(100, () => onebyOne('few'));
      const value = await rate(100, () => onebyOne('many'));
      return { limit, value };
    });
  },
};

/** Under a rule that counts payments of one card. */
function withCounting<T>(setup: Setup, work: (tidings: Tidings, now: number) => Promise<T>): Promise<T> {
  return setup.withDatabase(async (database) => {
    await applyCatalog(database.pool, DEFAULT_TENANT, counting(setup.catalog), systemActor('bench'), Date.now());
    return withTidings(database, (tidings) => work(tidings, Date.now() - 60_000));
  });
}

function counting(catalog: CatalogData): CatalogData {
  const [first] = catalog.rules;
  if (!first) throw new Error('the catalog has no rules');
  const { when: _, at: _at, delay: _delay, ...plain } = first;
  const rule: Rule = {
    ...plain,
    name: 'bench count',
    on: ['bench_pay'],
    after: [],
    limits: [],
    cancelOn: [],
    count: {
      of: ['bench_pay'],
      how: 'at_least',
      n: 5,
      window: { kind: 'rolling', span: 7 * DAY_MS, text: '7d' },
      same: 'event.card',
    },
  };
  return { ...catalog, rules: [...catalog.rules, rule] };
}

/** Posts events of one user in one request, a millisecond apart. @param part tells the events of two requests apart */
async function post({ pipeline }: Tidings, userId: string, part: number, from: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => ({
    event_id: `${userId} ${part} ${n}`,
    user_id: userId,
    event_type: 'bench_pay',
    event_timestamp: new Date(from + n).toISOString(),
    properties: { card: `card ${n % 5}` },
  }));
  const results = await pipeline.ingest(DEFAULT_TENANT, events);
  const rejected = results.find(({ status }) => status !== 'accepted');
  if (rejected) throw new Error(`an event was not accepted: ${rejected.code ?? rejected.status}`);
}
