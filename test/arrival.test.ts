import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import type { Limit, Rule } from '../src/model/catalog.ts';
import type { Event, JsonObject, Millis } from '../src/model/event.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { applyCatalog } from '../src/store/catalogs.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { Memory, only } from './support/memory.ts';
import { runs } from './support/properties.ts';
import {
  BASE,
  CONDITIONS,
  catalogOf,
  DAY,
  daily,
  ever,
  type Given,
  HOUR,
  NOW,
  once,
  plainRule,
  propertiesOf,
  rulesOf,
  SECOND,
  someEvents,
  someRequests,
  someRules,
  traitsOf,
} from './support/random-catalog.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/**
 * Arrival order does not matter: whatever the order and the split into requests, the same people are sent the same types,
 * in the same limit windows, as often. Which of several eligible events carries the send may differ.
 */

// One limit or none: which windows are used is then determined. Two limits together (a day and ever) determine how many.
const limits: fc.Arbitrary<Limit[]> = fc.oneof(
  fc.constant<Limit[]>([]),
  once.map((limit) => [limit]),
  ever.map((limit) => [limit]),
  daily.map((limit) => [limit]),
  fc.tuple(daily, ever).map(([day, total]) => [day, total]),
);
const rules = someRules(limits);

/** `person rule type window` → how many. */
type Sends = Map<string, number>;

describe('what is expected, by the definitions', () => {
  test.each<[string, Millis, number]>([
    ['at the same moment', BASE, 1],
    ['exactly 24 h after', BASE + DAY, 1],
    ['1 ms more than 24 h after', BASE + DAY + 1, 0],
    ['1 s more than 24 h after', BASE + DAY + SECOND, 0],
    ['1 ms before', BASE - 1, 0],
  ])('B %s A: %i', (_name, time, count) => {
    const rule = plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: DAY, withinText: '24h' }] });
    const events = [at('a', BASE), at('b', time)];
    for (const requests of [[[0, 1]], [[1, 0]], [[0], [1]], [[1], [0]]]) {
      const sends = inMemory([rule], events, requests);
      expect(sends).toEqual(expected([rule], events));
      expect(total(sends)).toBe(count);
    }
  });

  test('any A will do, not only the latest', () => {
    const rule = plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: HOUR, withinText: '1h' }] });
    // The latest A known is after B; the one before it counts.
    const events = [at('a', BASE), at('a', BASE + 2 * HOUR), at('b', BASE + HOUR)];
    for (const requests of [[[0, 1, 2]], [[0], [1], [2]], [[2], [1], [0]], [[1], [2], [0]], [[2, 0], [1]]]) {
      expect(total(inMemory([rule], events, requests))).toBe(1);
    }
  });

  test('a late event counts toward the day it happened', () => {
    const rule = plainRule({
      name: 'R0',
      on: ['a'],
      limits: [{ max: 1, period: { kind: 'day', zone: 'UTC' }, text: '1 per day' }],
    });
    const events = [at('a', BASE + DAY), at('a', BASE + DAY - 1), at('a', BASE), at('a', BASE - 1)];
    for (const requests of [[[0, 1, 2, 3]], [[3], [2], [1], [0]], [[0], [1], [2], [3]]]) {
      expect(inMemory([rule], events, requests)).toEqual(
        new Map([
          ['0 R0 N1 2025-10-25', 1],
          ['0 R0 N1 2025-10-26', 1],
          ['0 R0 N1 2025-10-27', 1],
        ]),
      );
    }
  });
});

test('in memory: any order and any split give what the definitions say', () => {
  const scenario = fc
    .tuple(rules, someEvents(10))
    .chain(([rules, events]) => fc.tuple(fc.constant(rules), fc.constant(events), someRequests(events.length)));
  fc.assert(
    fc.property(scenario, ([rules, events, requests]) => {
      const want = expected(rules, events);
      expect(inMemory(rules, events, [events.map((_, index) => index)])).toEqual(want);
      expect(inMemory(rules, events, requests)).toEqual(want);
    }),
    runs(4000),
  );
});

describe('through the database', () => {
  let tidings: TestTidings;
  let other: Pipeline;
  let made = 0;

  beforeAll(async () => {
    tidings = await testTidings();
    tidings.clock.now = NOW;
    const { pool } = tidings.database;
    // What a second process has of its own.
    other = new Pipeline({
      pool,
      catalogs: new CatalogCache(pool),
      partitions: new Partitions(pool),
      seal: tidings.seal,
      clock: () => NOW,
      log: silent,
    });
  });

  afterAll(async () => {
    await other.drain();
    await tidings.close();
  });

  test('in order, in any order, in any split, at once, and in two processes at once', async () => {
    const scenario = fc
      .tuple(rules, someEvents(9))
      .chain(([rules, events]) => fc.tuple(fc.constant(rules), fc.constant(events), someRequests(events.length)));
    await fc.assert(
      fc.asyncProperty(scenario, async ([rules, events, requests]) => {
        await apply(rules);
        const want = expected(rules, events);
        const together = [events.map((_, index) => index)];
        const apart = events.map((_, index) => [index]);
        const inTurn = async (all: (() => Promise<void>)[]) => {
          for (const one of all) await one();
        };
        const atOnce = async (all: (() => Promise<void>)[]) => {
          await Promise.all(all.map((one) => one()));
        };
        const here = tidings.pipeline;
        expect(await stored(rules, events, together, [here], inTurn), 'one request').toEqual(want);
        expect(await stored(rules, events, requests, [here], inTurn), 'any order and split').toEqual(want);
        expect(await stored(rules, events, [...apart].reverse(), [here], inTurn), 'backwards').toEqual(want);
        expect(await stored(rules, events, requests, [here], atOnce), 'requests at once').toEqual(want);
        expect(await stored(rules, events, apart, [here, other], atOnce), 'two processes').toEqual(want);
      }),
      runs(40),
    );
  });

  test('two processes that get one half of a pattern each at the same moment: neither overlooks the other', async () => {
    await apply([plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: DAY, withinText: '24h' }] })]);
    const run = `run ${made++}`;
    const users = Array.from({ length: 40 }, (_, user) => user);
    for (const person of users) {
      const [a, b] = ['a', 'b'].map((type, index) =>
        itemOf(run, { ...at(type, BASE), user: person }, person * 2 + index),
      );
      await Promise.all([tidings.pipeline.ingest(TENANT, [a]), other.ingest(TENANT, [b])]);
    }
    const { rows } = await tidings.database.pool.query(
      'select count(*) as count from notifications where starts_with(user_id, $1)',
      [`${run} `],
    );
    expect(rows).toEqual([{ count: users.length }]);
  });

  test('the profile and the addresses are those of the newest event times', async () => {
    const traits = fc.record(
      {
        plan: fc.constantFrom('free', 'paid', null, { name: 'x' }),
        vip: fc.boolean(),
        // The first two have one mask.
        email: fc.constantFrom('maria@example.com', 'mark@example.com', 'anna@example.com', '', null),
        email_address: fc.constantFrom('maria@example.com', 'max@example.com', null),
      },
      { requiredKeys: [] },
    );
    const event = fc.record({ second: fc.integer({ min: 0, max: 4 }), traits });
    const scenario = fc
      .array(event, { minLength: 2, maxLength: 7 })
      .chain((events) => fc.tuple(fc.constant(events), someRequests(events.length)));
    await apply([]);
    await fc.assert(
      fc.asyncProperty(scenario, async ([events, requests]) => {
        const profileOf = async (requests: readonly number[][]) => {
          const run = `profile ${made++}`;
          for (const [index, places] of requests.entries()) {
            const items = places.map((place) => ({
              event_id: `${run} ${place}`,
              user_id: run,
              event_type: 'x',
              event_timestamp: new Date(BASE + (events[place]?.second ?? 0) * SECOND).toISOString(),
              user_traits: events[place]?.traits,
            }));
            const results = await (index % 2 === 0 ? tidings.pipeline : other).ingest(TENANT, items);
            expect(results.map(({ status }) => status)).toEqual(items.map(() => 'accepted'));
          }
          const { rows } = await tidings.database.pool.query(
            `select traits, address_hashes,
                    (select hash from addresses a where a.user_id = u.user_id and kind = 'email') as email
             from users u where user_id = $1`,
            [run],
          );
          return rows[0] as { traits: JsonObject; address_hashes: JsonObject; email: string | null };
        };
        const together = await profileOf([events.map((_, index) => index)]);
        const mixed = await profileOf(requests);
        expect(mixed).toEqual(together);
        expect(mixed.email).toBe(mixed.address_hashes.email ?? null);
        for (const name of ['plan', 'vip'] as const) {
          const said = events.filter((one) => name in one.traits);
          // The newest; of one instant the greater text.
          const order = (one: (typeof said)[number]) => `${one.second} ${JSON.stringify(one.traits[name])}`;
          const newest = said.sort((a, b) => (order(a) < order(b) ? 1 : -1))[0];
          expect(mixed.traits[name]).toEqual(newest?.traits[name]);
        }
      }),
      runs(60),
    );
  });

  async function apply(rules: readonly Rule[]): Promise<void> {
    const { version } = await applyCatalog(tidings.database.pool, TENANT, catalogOf(rules), 'test', NOW);
    await tidings.catalogs.setActive(TENANT, version);
  }

  /** Posts the events, for people of their own, and reads which notifications there are. */
  async function stored(
    rules: readonly Rule[],
    events: readonly Given[],
    requests: readonly number[][],
    pipelines: readonly Pipeline[],
    how: (requests: (() => Promise<void>)[]) => Promise<void>,
  ): Promise<Sends> {
    const run = `run ${made++}`;
    const posts = requests.map((places, index) => async () => {
      const pipeline = pipelines[index % pipelines.length] as Pipeline;
      const items = places.map((place) => itemOf(run, events[place] as Given, place));
      const results = await pipeline.ingest(TENANT, items);
      expect(results.map(({ status }) => status)).toEqual(items.map(() => 'accepted'));
    });
    await how(posts);
    const { rows } = await tidings.database.pool.query<{
      user_id: string;
      rule: string;
      notification_type: string;
      event_id: string;
      deliveries: number;
    }>(
      `select user_id, rule, notification_type, event_id,
              (select count(*) from deliveries d where d.notification_id = n.notification_id) as deliveries
       from notifications n where starts_with(user_id, $1)`,
      [`${run} `],
    );
    for (const row of rows) expect(row.deliveries).toBe(1);
    return counted(
      rules,
      rows.map((row) => ({
        user: row.user_id.slice(run.length + 1),
        rule: row.rule,
        type: row.notification_type,
        time: (events[Number(row.event_id.slice(run.length + 1))] as Given).time,
      })),
    );
  }
});

function itemOf(run: string, event: Given, place: number): object {
  return {
    event_id: `${run} ${place}`,
    user_id: `${run} ${event.user}`,
    event_type: event.type,
    event_timestamp: new Date(event.time).toISOString(),
    properties: propertiesOf(event),
    user_traits: traitsOf(event),
  };
}

function at(type: string, time: Millis): Given {
  return { user: 0, type, time, n: null, vip: null };
}

/** The oracle: counts by definition, over all events at once, without any notion of arrival. */
function expected(rules: readonly Rule[], events: readonly Given[]): Sends {
  const sends: Sends = new Map();
  for (const rule of rules) {
    const eligible = events.filter((event) => isEligible(rule, event, events));
    for (const user of new Set(eligible.map((event) => event.user))) {
      const own = eligible.filter((event) => event.user === user);
      for (const [window, count] of allowed(rule.limits, own)) {
        for (const type of rule.notify) sends.set(`${user} ${rule.name} ${type} ${window}`, count);
      }
    }
  }
  return sends;
}

function isEligible(rule: Rule, event: Given, events: readonly Given[]): boolean {
  if (!rule.on.includes(event.type)) return false;
  if (rule.when !== undefined && !CONDITIONS[rule.when]?.(event)) return false;
  if (rule.expires !== undefined && NOW - event.time > rule.expires) return false;
  const [after] = rule.after;
  if (!after) return true;
  return events.some(
    (a) =>
      a !== event &&
      a.user === event.user &&
      a.type === after.event &&
      a.time <= event.time &&
      event.time <= a.time + after.within,
  );
}

function allowed(limits: readonly Limit[], eligible: readonly Given[]): Map<string, number> {
  const perWindow = new Map<string, number>();
  const [first, second] = limits;
  for (const { time } of eligible) {
    const window = windowOf(first, time);
    perWindow.set(window, Math.min((perWindow.get(window) ?? 0) + 1, first?.max ?? Infinity));
  }
  if (!second) return perWindow;
  const all = [...perWindow.values()].reduce((sum, count) => sum + count, 0);
  return new Map([['in all', Math.min(all, second.max)]]);
}

function windowOf(limit: Limit | undefined, time: Millis): string {
  if (limit?.period.kind !== 'day') return 'ever';
  const { zone } = limit.period;
  // The Canadian way to write a date is year-month-day.
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(time);
}

/** Sends by window; where a day's limit meets another, by person only, and no day above its own limit. */
function counted(
  rules: readonly Rule[],
  sent: readonly { user: string; rule: string; type: string; time: Millis }[],
): Sends {
  const sends: Sends = new Map();
  const days: Sends = new Map();
  for (const { user, rule, type, time } of sent) {
    const [first, second] = rules.find(({ name }) => name === rule)?.limits ?? [];
    const window = windowOf(first, time);
    const day = `${user} ${rule} ${type} ${window}`;
    days.set(day, (days.get(day) ?? 0) + 1);
    expect(days.get(day)).toBeLessThanOrEqual(first?.max ?? Infinity);
    const key = second ? `${user} ${rule} ${type} in all` : day;
    sends.set(key, (sends.get(key) ?? 0) + 1);
  }
  return sends;
}

function inMemory(rules: readonly Rule[], given: readonly Given[], requests: readonly number[][]): Sends {
  const memory = new Memory(only(rulesOf(rules)), countingIds());
  const events = given.map((one, place) => eventOf(one, place));
  const sent = requests
    .flatMap((places) =>
      memory.ingest(
        places.map((place) => events[place] as Event),
        NOW,
      ),
    )
    .flatMap(({ userId, sends }) =>
      sends.map(({ decision, trigger }) => ({
        user: userId,
        rule: decision.rule,
        type: decision.notification_type,
        time: trigger.time,
      })),
    );
  return counted(rules, sent);
}

function eventOf(given: Given, place: number): Event {
  return {
    tenantId: TENANT,
    userId: String(given.user),
    eventId: `event ${place}`,
    key: `key ${place}`,
    type: given.type,
    time: given.time,
    properties: propertiesOf(given),
    traits: traitsOf(given),
  };
}

function total(sends: Sends): number {
  return [...sends.values()].reduce((sum, count) => sum + count, 0);
}
