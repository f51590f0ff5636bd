import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { contentUuid } from '../src/events/content.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import type { EventResult } from '../src/ingest/results.ts';
import type { Limit, Rule } from '../src/model/catalog.ts';
import type { Decision } from '../src/model/decision.ts';
import type { Event, JsonObject, Millis } from '../src/model/event.ts';
import type { CountedUse } from '../src/rules/facts.ts';
import { evaluateLimit } from '../src/rules/limits.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { applyCatalog } from '../src/store/catalogs.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { Memory, only } from './support/memory.ts';
import { runs } from './support/properties.ts';
import {
  BASE,
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
  rolling,
  rulesOf,
  someEvents,
  someRequests,
  someRules,
  traitsOf,
  userDaily,
} from './support/random-catalog.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

const limits = fc.uniqueArray(fc.oneof(once, ever, daily, userDaily, rolling, rolling), {
  maxLength: 3,
  selector: ({ period }) => JSON.stringify(period),
});
const scenario = fc
  .tuple(someRules(limits), someEvents(14))
  .chain(([rules, events]) => fc.tuple(fc.constant(rules), fc.constant(events), someRequests(events.length)));

/** Where the people of the tests live: half-hour shifts, a day that never was, the far ends of the day. */
const ZONES = ['Australia/Lord_Howe', 'Pacific/Kiritimati', 'America/Sao_Paulo'] as const;

/** One send of a rule, however many notifications it made. */
interface Told {
  readonly user: string;
  readonly rule: string;
  readonly time: Millis;
}

describe('in memory', () => {
  test('no limit is ever exceeded, and every rule that an event triggers has one decision per notification', () => {
    fc.assert(
      fc.property(scenario, ([rules, given, requests]) => {
        const memory = memoryOf(rules);
        for (const user of ZONES.keys()) memory.addUser(String(user), traitsKnown(String(user)), NOW);
        const events = given.map((one, place) => eventOf(one, place));
        const told: Told[] = [];
        for (const places of requests) {
          const batch = places.map((place) => events[place] as Event);
          for (const { userId, cause, decisions, sends } of memory.ingest(batch, NOW)) {
            if (cause.kind !== 'event') throw new Error('nothing waits');
            expectCandidatesDecided(rules, cause.event.type, cause.event.eventId, decisions);
            for (const decision of decisions) expectConsistent(rules, decision);
            const first = new Map(sends.map(({ decision, trigger }) => [`${decision.rule} ${trigger.key}`, trigger]));
            for (const [key, trigger] of first) {
              told.push({ user: userId, rule: key.slice(0, key.indexOf(' ')), time: trigger.time });
            }
          }
        }
        expectWithinLimits(rules, told);
      }),
      runs(3000),
    );
  });

  test.each([
    // [zone, what is special, first, second, whether they are of one day]
    ['Europe/Lisbon', 'autumn: 25 hours', '2025-10-25T23:00:00Z', '2025-10-26T23:59:59.999Z', true],
    ['Europe/Lisbon', 'autumn: the midnight after', '2025-10-26T23:59:59.999Z', '2025-10-27T00:00:00Z', false],
    ['Europe/Lisbon', 'spring: 23 hours', '2025-03-30T00:00:00Z', '2025-03-30T22:59:59.999Z', true],
    ['Europe/Lisbon', 'spring: the midnight after', '2025-03-30T22:59:59.999Z', '2025-03-30T23:00:00Z', false],
    ['America/Sao_Paulo', 'a midnight that never was', '2018-11-04T02:59:59.999Z', '2018-11-04T03:00:00Z', false],
    ['Pacific/Apia', 'a day that never was', '2011-12-30T09:59:59.999Z', '2011-12-30T10:00:00Z', false],
    ['Pacific/Kiritimati', '14 hours ahead', '2025-10-26T09:59:59.999Z', '2025-10-26T10:00:00Z', false],
    ['Nowhere/Land', 'an unknown zone is UTC', '2025-10-26T23:59:59.999Z', '2025-10-27T00:00:00Z', false],
    ['Pacific/Kiritimati', 'the end of time', '9999-12-31T20:00:00Z', '9999-12-31T21:00:00Z', true],
    ['America/Los_Angeles', 'the beginning of time', '0001-01-01T00:00:00Z', '0001-01-01T01:00:00Z', true],
  ])('a day in %s (%s)', (zone, _name, first, second, same) => {
    const rules = [ruleOf({ max: 1, period: { kind: 'day', zone: 'user' }, text: '1 per day in user zone' })];
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      const memory = memoryOf(rules);
      memory.addUser('0', { time_zone: zone }, NOW);
      const sends = order.flatMap((time, place) => {
        const event = eventOf({ user: 0, type: 'a', time: Date.parse(time), n: null, vip: null }, place);
        return memory.ingest([event], NOW).flatMap((one) => one.sends);
      });
      expect(sends).toHaveLength(same ? 1 : 2);
    }
  });

  test.each([
    ['exactly the span apart', DAY, 1],
    ['1 ms more than the span apart', DAY + 1, 2],
  ])('a rolling period: two events %s', (_name, apart, count) => {
    const rules = [ruleOf({ max: 1, period: { kind: 'rolling', span: DAY }, text: '1 per 24h' })];
    for (const order of [
      [BASE, BASE + apart],
      [BASE + apart, BASE],
    ]) {
      const memory = memoryOf(rules);
      const sends = order.flatMap((time, place) =>
        memory
          .ingest([eventOf({ user: 0, type: 'a', time, n: null, vip: null }, place)], NOW)
          .flatMap((one) => one.sends),
      );
      expect(sends).toHaveLength(count);
    }
  });

  test.each([
    ['at both ends of a span', [-12, 12], [-12, 12]],
    ['in no span with each other', [-13, 12], [-13]],
    ['of which two are in a span, one is not', [-23, 3, 2], [2, 3]],
    ['known out of order', [-1, -5], [-5, -1]],
    ['a span away, and further', [-24, -25, 25], [-24]],
  ])('a rolling period counts the fullest span, oldest first: sends %s', (_name, hours, counted) => {
    const uses = hours.map((hour) => useAt(BASE + hour * HOUR));
    const limit: Limit = { max: 2, period: { kind: 'rolling', span: DAY }, text: '2 per 24h per person' };
    expect(evaluateLimit(limit, uses, BASE, {})).toMatchObject({
      window: `any 24h around ${new Date(BASE).toISOString()}`,
      uses: counted.map((hour) => ({ at: BASE + hour * HOUR })),
      reached: counted.length >= 2,
      slot: 1,
    });
  });

  test('a day counts its own, oldest first, and takes the place after the last', () => {
    const uses = [useAt(BASE + 2, 3), useAt(BASE + 2, 2), useAt(BASE + 1, 5), useAt(BASE - DAY, 9)].map((use) => ({
      ...use,
      bucket: dayIn(use.at, 'UTC'),
    }));
    const limit: Limit = { max: 4, period: { kind: 'day', zone: 'UTC' }, text: '4 per day' };
    const state = evaluateLimit(limit, uses, BASE, {});
    expect(state).toMatchObject({ bucket: '2025-10-26', window: '2025-10-26 (UTC)', slot: 6, reached: false });
    expect(state.uses.map(({ slot }) => slot)).toEqual([5, 2, 3]);
  });
});

describe('through the database', () => {
  let tidings: TestTidings;
  let other: Pipeline;
  let made = 0;

  beforeAll(async () => {
    tidings = await testTidings();
    tidings.clock.now = NOW;
    const { pool } = tidings.database;
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

  test('no limit is ever exceeded; what is posted again does nothing and hears what was decided', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, fc.boolean(), async ([rules, given, requests], atOnce) => {
        await apply(rules);
        const run = `run ${made++}`;
        const items = given.map((one, place) => itemOf(run, one, place));
        const post = async (places: readonly number[], index: number) => {
          const pipeline = index % 2 === 0 ? tidings.pipeline : other;
          return pipeline.ingest(
            TENANT,
            places.map((place) => items[place]),
          );
        };
        const answers: EventResult[][] = [];
        if (atOnce) answers.push(...(await Promise.all(requests.map(post))));
        else for (const [index, places] of requests.entries()) answers.push(await post(places, index));

        const results: EventResult[] = [];
        requests.forEach((places, request) => {
          places.forEach((place, index) => {
            results[place] = answers[request]?.[index] as EventResult;
          });
        });
        given.forEach((one, place) => {
          const { status, decisions, eventId } = results[place] as EventResult;
          expect(status).toBe('accepted');
          expectCandidatesDecided(rules, one.type, eventId as string, decisions);
          for (const decision of decisions) expectConsistent(rules, decision);
        });
        expectWithinLimits(rules, await told(run, given));

        const before = await counts();
        const again = await tidings.pipeline.ingest(TENANT, items);
        expect(again.map(({ status }) => status)).toEqual(items.map(() => 'duplicate'));
        expect(again.map(({ decisions }) => decisions)).toEqual(results.map(({ decisions }) => decisions));
        const changed = items.map((item) => ({ ...item, properties: { other: true } }));
        const conflicts = await other.ingest(TENANT, changed);
        expect(conflicts.map(({ status, code, decisions }) => [status, code, decisions])).toEqual(
          items.map(() => ['conflict', 'event_id_conflict', []]),
        );
        expect(await counts()).toEqual(before);
      }),
      runs(40),
    );
  });

  test('of a hundred events at once, from two processes, "once" takes one and "3 per 24h" three', async () => {
    await apply([
      ruleOf({ max: 1, period: { kind: 'ever' }, text: 'once' }),
      { ...ruleOf({ max: 3, period: { kind: 'rolling', span: DAY }, text: '3 per 24h' }), name: 'R1', notify: ['N2'] },
    ]);
    const run = `run ${made++}`;
    await Promise.all(
      Array.from({ length: 100 }, (_, place) => {
        const item = itemOf(run, { user: 0, type: 'a', time: BASE + place * 1000, n: null, vip: null }, place);
        return (place % 2 === 0 ? tidings.pipeline : other).ingest(TENANT, [item]);
      }),
    );
    const { rows } = await tidings.database.pool.query(
      `select notification_type as type, count(*) as count from notifications where starts_with(user_id, $1)
       group by 1 order by 1`,
      [`${run} `],
    );
    expect(rows).toEqual([
      { type: 'N1', count: 1 },
      { type: 'N2', count: 3 },
    ]);
  });

  test('one event_id for different people at once: one is accepted, the others are in conflict', async () => {
    await apply([ruleOf({ max: 1, period: { kind: 'ever' }, text: 'once' })]);
    const run = `run ${made++}`;
    const ids = Array.from({ length: 20 }, (_, index) => `${run} shared ${index}`);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, user) => {
        // Each in an order of its own, so that they meet crosswise.
        const order = ids.map((_, index) => ids[(index * 7 + user * 3) % ids.length] as string);
        const items = order.map((id, index) => ({
          event_id: id,
          user_id: `${run} ${user} ${index}`,
          event_type: 'a',
          event_timestamp: new Date(BASE).toISOString(),
        }));
        return (user % 2 === 0 ? tidings.pipeline : other).ingest(TENANT, items);
      }),
    );
    const of = (status: string) => answers.flat().filter((result) => result.status === status);
    expect(
      of('accepted')
        .map(({ eventId }) => eventId)
        .sort(),
    ).toEqual([...ids].sort());
    expect(of('conflict')).toHaveLength(7 * ids.length);
    expect(await told(run, [], () => BASE)).toHaveLength(ids.length);
  });

  test('an event_id is known for ever, also when its event was dropped with its month', async () => {
    await apply([ruleOf({ max: 1, period: { kind: 'ever' }, text: 'once' })]);
    const item = { event_id: 'kept', user_id: 'kept', event_type: 'a', event_timestamp: new Date(BASE).toISOString() };
    const post = async (one: object) => {
      const [result] = await tidings.pipeline.ingest(TENANT, [one]);
      return [result?.status, result?.decisions.length];
    };
    expect(await post(item)).toEqual(['accepted', 1]);
    await tidings.database.pool.query(`delete from events where user_id = 'kept'`);
    const before = await counts();
    expect(await post(item)).toEqual(['duplicate', 0]);
    expect(await post({ ...item, properties: { n: 1 } })).toEqual(['conflict', 0]);
    expect(await counts()).toEqual(before);
  });

  test('repeated in one request: the first counts, the others are duplicates or in conflict', async () => {
    await apply([ruleOf({ max: 3, period: { kind: 'ever' }, text: '3 ever' })]);
    const run = `run ${made++}`;
    const item = itemOf(run, { user: 0, type: 'a', time: BASE, n: 1, vip: null }, 0);
    const results = await tidings.pipeline.ingest(TENANT, [item, item, { ...item, properties: { n: 2 } }, item]);
    expect(results.map(({ status }) => status)).toEqual(['accepted', 'duplicate', 'conflict', 'duplicate']);
    expect(results[1]?.decisions).toEqual(results[0]?.decisions);
    expect(results[3]?.decisions).toEqual(results[0]?.decisions);
    expect(await told(run, [], () => BASE)).toHaveLength(1);
  });

  test.each([
    ['the end of time', ['9999-12-31T22:00:00Z', '9999-12-31T23:00:00Z', '9999-12-31T23:59:59.999Z']],
    ['the beginning of time', ['0001-01-01T00:00:00Z', '0001-01-01T01:00:00Z', '0001-01-01T00:00:00.001Z']],
  ])('at %s limits and patterns hold as anywhere', async (_name, times) => {
    await apply([
      ruleOf({ max: 1, period: { kind: 'day', zone: 'user' }, text: '1 per day in user zone' }),
      { ...ruleOf({ max: 1, period: { kind: 'rolling', span: DAY }, text: '1 per 24h' }), name: 'R1', notify: ['N2'] },
      { ...ruleOf(), name: 'R2', notify: ['N3'], after: [{ event: 'b', within: DAY, withinText: '24h' }] },
    ]);
    for (const zone of ['Pacific/Kiritimati', 'America/Los_Angeles']) {
      const run = `run ${made++}`;
      const statuses: unknown[] = [];
      for (const [place, time] of times.entries()) {
        for (const type of ['a', 'b']) {
          const [result] = await tidings.pipeline.ingest(TENANT, [
            {
              event_id: `${run} ${type} ${place}`,
              user_id: `${run} 0`,
              event_type: type,
              event_timestamp: time,
              user_traits: { time_zone: zone },
            },
          ]);
          statuses.push(result?.message ?? result?.status);
        }
      }
      expect(statuses).toEqual(statuses.map(() => 'accepted'));
      const { rows } = await tidings.database.pool.query(
        `select notification_type as type, count(*) as count from notifications where starts_with(user_id, $1)
         group by 1 order by 1`,
        [`${run} `],
      );
      expect(rows.slice(0, 2)).toEqual([
        { type: 'N1', count: 1 },
        { type: 'N2', count: 1 },
      ]);
      expect(rows[2]).toEqual({ type: 'N3', count: 3 });
    }
  });

  async function apply(rules: readonly Rule[]): Promise<void> {
    const { version } = await applyCatalog(tidings.database.pool, TENANT, catalogOf(rules), 'test', NOW);
    await tidings.catalogs.setActive(TENANT, version);
  }

  async function told(
    run: string,
    given: readonly Given[],
    timeOf = (eventId: string) => (given[Number(eventId.slice(run.length + 1))] as Given).time,
  ): Promise<Told[]> {
    const { rows } = await tidings.database.pool.query<{ user_id: string; rule: string; event_id: string }>(
      'select distinct user_id, rule, event_id from notifications where starts_with(user_id, $1)',
      [`${run} `],
    );
    return rows.map(({ user_id, rule, event_id }) => ({
      user: user_id.slice(run.length + 1),
      rule,
      time: timeOf(event_id),
    }));
  }

  /** Rows of every table that an event may touch. */
  async function counts(): Promise<object> {
    const { rows } = await tidings.database.pool.query(
      `select (select count(*) from events) as events, (select count(*) from event_ids) as keys,
              (select count(*) from notifications) as notifications, (select count(*) from deliveries) as deliveries,
              (select count(*) from limit_uses) as uses, (select count(*) from users) as users,
              (select md5(string_agg(u::text, ';' order by user_id)) from users u) as profiles`,
    );
    return rows[0] as object;
  }
});

function ruleOf(...limits: Limit[]): Rule {
  return plainRule({ name: 'R0', on: ['a'], limits });
}

function useAt(at: Millis, slot = 1): CountedUse {
  return { at, slot, bucket: new Date(at).toISOString(), eventId: `event ${at}`, notificationId: `of ${at}` };
}

function memoryOf(rules: readonly Rule[]): Memory {
  return new Memory(only(rulesOf(rules)), countingIds());
}

function expectCandidatesDecided(
  rules: readonly Rule[],
  type: string,
  eventId: string,
  decisions: readonly Decision[],
): void {
  const own = decisions.filter((decision) => decision.event_ids[0] === eventId);
  const have = own.map(({ rule, notification_type }) => `${rule} ${notification_type}`);
  const want = rules
    .filter(({ on }) => on.includes(type))
    .flatMap(({ name, notify }) => notify.map((notification) => `${name} ${notification}`));
  expect(have.sort()).toEqual(want.sort());
  // The others are of earlier triggers that this event completes.
  for (const decision of decisions) {
    if (!own.includes(decision)) expect(decision.event_ids[1]).toBe(eventId);
  }
}

/** What the decision says, its evidence bears out. */
function expectConsistent(rules: readonly Rule[], decision: Decision): void {
  const { outcome, reason_code, evidence, notification_id, reason } = decision;
  const rule = rules.find(({ name }) => name === decision.rule) as Rule;
  expect(reason).toMatch(outcome === 'send' ? /^To be sent: .+\.$/s : /^Not sent: .+\.$/s);
  expect(notification_id !== null).toBe(outcome === 'send');
  const judged = outcome === 'send' || reason_code === 'limit_reached';
  expect(evidence.limits?.length ?? 0).toBe(judged ? rule.limits.length : 0);
  for (const [index, limit] of (evidence.limits ?? []).entries()) {
    expect(limit.max).toBe(rule.limits[index]?.max);
    expect(limit.used).toBeLessThanOrEqual(limit.max);
    expect(limit.uses).toHaveLength(Math.min(limit.used, 5));
    for (const use of limit.uses) expect(use.notification_id).not.toBe(notification_id);
  }
  const full = (evidence.limits ?? []).some(({ used, max }) => used >= max);
  if (judged) expect(full).toBe(reason_code === 'limit_reached');
  if (evidence.pattern && judged) expect(evidence.pattern.matched?.event_id).toBe(decision.event_ids[1]);
  if (evidence.condition && judged) expect(evidence.condition.result).toBe(true);
}

/** From what was sent alone: no window of any limit holds more than its maximum. */
function expectWithinLimits(rules: readonly Rule[], told: readonly Told[]): void {
  for (const { user, rule: name, time } of told) {
    const rule = rules.find((one) => one.name === name) as Rule;
    const own = told.filter((one) => one.user === user && one.rule === name);
    for (const { max, period } of rule.limits) {
      const inWindow = own.filter((one) => {
        if (period.kind === 'ever') return true;
        if (period.kind === 'rolling') return time <= one.time && one.time <= time + period.span;
        const zone = period.zone === 'user' ? zoneOf(user) : period.zone;
        return dayIn(one.time, zone) === dayIn(time, zone);
      });
      expect(inWindow.length).toBeLessThanOrEqual(max);
    }
  }
}

function traitsKnown(user: string): JsonObject {
  return { time_zone: zoneOf(user) };
}

function zoneOf(user: string): string {
  return ZONES[Number(user)] as string;
}

function dayIn(time: Millis, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(time);
}

function eventOf(given: Given, place: number): Event {
  return {
    tenantId: TENANT,
    userId: String(given.user),
    eventId: `event ${place}`,
    key: contentUuid(String(place)),
    type: given.type,
    time: given.time,
    properties: propertiesOf(given),
    traits: traitsOf(given),
  };
}

function itemOf(run: string, given: Given, place: number) {
  return {
    event_id: `${run} ${place}`,
    user_id: `${run} ${given.user}`,
    event_type: given.type,
    event_timestamp: new Date(given.time).toISOString(),
    properties: propertiesOf(given),
    // Always the same zone: the day of a person who travels is that of the zone known when it was decided.
    user_traits: { ...traitsOf(given), time_zone: ZONES[given.user] as string },
  };
}
