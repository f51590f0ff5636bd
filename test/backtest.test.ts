import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { compileCatalog } from '../src/catalog/compile/compile-catalog.ts';
import { isRejection, parseEvent, type ReceivedEvent } from '../src/events/envelope.ts';
import { BatchDecider } from '../src/ingest/decide-batch.ts';
import { ids } from '../src/ingest/ids.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import type { CatalogData, Rule } from '../src/model/catalog.ts';
import type { Decision } from '../src/model/decision.ts';
import type { JsonObject, Millis } from '../src/model/event.ts';
import { Seal } from '../src/privacy/seal.ts';
import { newUserState, type UserState, type Wait } from '../src/rules/facts.ts';
import { findOpenChanges } from '../src/rules/trait-changes.ts';
import { Backtest, type BacktestReport } from '../src/simulate/backtest.ts';
import type { HistoricalEvent, UserHistory } from '../src/simulate/history.ts';
import { renderHtmlReport } from '../src/simulate/html-report.ts';
import { runBacktest } from '../src/simulate/run-backtest.ts';
import { renderProgress, renderTextReport } from '../src/simulate/text-report.ts';
import { applyCatalog } from '../src/store/catalogs.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { readHistories } from '../src/store/replay.ts';
import { formatLocalTimeKey, nextOccurrence, resolveZone } from '../src/time/calendar.ts';
import { AddressChanges } from '../src/users/addresses.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { runs } from './support/properties.ts';
import { BASE, catalogOf, DAY, HOUR, plainRule, rulesOf } from './support/random-catalog.ts';
import { anyRules, type HistoryEvent, type Step, someHistory } from './support/random-history.ts';
import { silent } from './support/tidings.ts';

describe('what was decided is decided again, exactly', () => {
  test('in memory: any rules, any history, from any moment on', () => {
    fc.assert(
      fc.property(anyRules(false), someHistory(25), share, (rules, steps, from) => {
        const { lives, end } = play(
          rules,
          steps.filter(({ kind }) => kind !== 'apply'),
        );
        for (const life of lives) expect(toldTwice(life)).toEqual([]);
        const since = BASE + Math.floor((end - BASE) * from);
        const report = replayAll(rules, lives, since, end + 1);
        expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
        const { added, removed, moved, live, unchanged } = report.totals;
        expect({ added, removed, moved, unchanged }).toEqual({ added: 0, removed: 0, moved: 0, unchanged: live });
      }),
      { ...runs(300), examples: [endsInOneInstant] },
    );
  });

  describe('by the real pipeline on a real database', () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await testDatabase();
    });
    afterAll(() => database.drop());
    let tenants = 0;

    test('any rules, any history, two catalogs in turns, from any moment on', async () => {
      await fc.assert(
        fc.asyncProperty(anyRules(true), anyRules(true), someHistory(15), share, async (one, other, steps, from) => {
          const tenantId = `tenant ${++tenants}`;
          const end = await live(database, tenantId, [catalogOf(one), catalogOf(other, 2)], steps);
          const since = BASE + Math.floor((end - BASE) * from);
          const all = { tenantId, since: BASE, until: end + 1, includeIdle: true };
          for await (const { lives } of readHistories(database.pool, all)) {
            for (const life of lives) expect(toldTwice(life)).toEqual([]);
          }
          const report = await runBacktest(database.pool, { tenantId, candidate: null, since, until: end + 1 });
          expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
        }),
        { ...runs(50), examples: stories },
      );
    });

    test('the catalog that was in force, as a candidate, changes nothing', async () => {
      await fc.assert(
        fc.asyncProperty(anyRules(false), someHistory(12), share, async (rules, steps, from) => {
          const tenantId = `tenant ${++tenants}`;
          const catalog = catalogOf(rules);
          const end = await live(database, tenantId, [catalog], steps, true);
          const since = BASE + Math.floor((end - BASE) * from);
          const { totals } = await runBacktest(database.pool, { tenantId, candidate: catalog, since, until: end + 1 });
          expect(totals).toEqual({
            ...totals,
            added: 0,
            removed: 0,
            moved: 0,
            unchanged: totals.live,
            new: totals.live,
          });
        }),
        runs(25),
      );
    });
  });
});

describe('another catalog against the past', () => {
  const once = { max: 1, period: { kind: 'ever' }, text: 'once' } as const;
  const past = (rule: Partial<Rule>): Rule => plainRule({ name: 'R', on: ['a'], ...rule });
  const a = (properties: JsonObject = {}): HistoryEvent => {
    return { user: 0, type: 'a', late: 0, properties, traits: {}, startsIn: null };
  };
  const post = (gap: Millis, ...events: HistoryEvent[]): Step => ({ gap, kind: 'post', events });
  const end = (gap: Millis): Step => ({ gap, kind: 'end' });
  const compare = (before: Rule, after: Rule, steps: Step[], since = BASE, until?: Millis) => {
    const { lives, end } = play([before], steps);
    return replayAll([before], lives, since, until ?? end + 1, [after]);
  };

  test('a limit taken away: what it held back is added, and why it was held back is shown', () => {
    const { totals, types } = compare(past({ limits: [once] }), past({}), [post(HOUR, a()), post(HOUR, a())]);
    expect(totals).toEqual({ live: 1, new: 2, added: 1, removed: 0, moved: 0, unchanged: 1 });
    expect(types).toMatchObject([
      {
        type: 'N1',
        days: [{ day: '2025-10-26', live: 1, new: 2 }],
        examples: [
          {
            change: 'added',
            user_id: 'u0',
            live: { outcome: 'suppressed', reason_code: 'limit_reached', event_ids: ['e2'] },
            new: { outcome: 'send', at: '2025-10-26T02:00:00.000Z' },
          },
        ],
      },
    ]);
  });

  test('a condition: what it refuses is removed', () => {
    const steps = [post(HOUR, a({ n: 1 })), post(HOUR, a({ n: 2 }))];
    const { totals, types } = compare(past({}), past({ when: 'event.n >= 2' }), steps);
    expect(totals).toEqual({ live: 2, new: 1, added: 0, removed: 1, moved: 0, unchanged: 1 });
    expect(types[0]?.examples).toMatchObject([
      { change: 'removed', live: { outcome: 'send' }, new: { reason_code: 'condition_false', event_ids: ['e1'] } },
    ]);
  });

  test('a delay: the same send at another time is moved', () => {
    const delayed = past({ delay: { span: HOUR, text: '1h' } });
    const { totals, types } = compare(past({}), delayed, [post(HOUR, a()), end(DAY)]);
    expect(totals).toEqual({ live: 1, new: 1, added: 0, removed: 0, moved: 1, unchanged: 0 });
    expect(types[0]?.examples).toMatchObject([
      { change: 'moved', live: { at: '2025-10-26T01:00:00.000Z' }, new: { at: '2025-10-26T02:00:00.000Z' } },
    ]);
  });

  test('a digest with a longer window: moved, and more is in it', () => {
    const digest = (span: Millis, text: string): Partial<Rule> => {
      return { digest: { window: { kind: 'fixed', span, text }, keep: 10, firstNow: false } };
    };
    const steps = [post(HOUR, a()), end(HOUR), post(HOUR, a()), end(DAY)];
    const { totals, types } = compare(past(digest(HOUR, '1h')), past(digest(DAY, '24h')), steps);
    expect(totals).toEqual({ live: 2, new: 1, added: 0, removed: 1, moved: 1, unchanged: 0 });
    expect(types[0]?.examples).toContainEqual(
      expect.objectContaining({
        change: 'moved',
        new: expect.objectContaining({ evidence: expect.objectContaining({ digest: { total: 2, kept: 2 } }) }),
      }),
    );
  });

  test('what waits when the candidate comes into force ends by the catalog it began with, when it did', () => {
    const before = past({ delay: { span: 2 * HOUR, text: '2h' } });
    const steps = [post(HOUR, a()), end(3 * HOUR), post(HOUR, a()), end(DAY)];
    const { totals, types } = compare(before, past({}), steps, BASE + 2 * HOUR);
    // The first one was an hour late, and is again.
    expect(totals).toEqual({ live: 2, new: 2, added: 0, removed: 0, moved: 1, unchanged: 1 });
    expect(types[0]?.examples).toMatchObject([{ change: 'moved', new: { at: '2025-10-26T05:00:00.000Z' } }]);
  });

  test('a limit remembers what was sent before the candidate came into force', () => {
    const steps = [post(HOUR, a()), post(2 * HOUR, a())];
    const { totals } = compare(past({}), past({ limits: [once] }), steps, BASE + 2 * HOUR);
    // The rule had no limit then: nothing was counted.
    expect(totals).toMatchObject({ live: 1, new: 1, unchanged: 1 });
    const limited = compare(past({ limits: [once] }), past({ limits: [once], when: 'true' }), steps, BASE + 2 * HOUR);
    expect(limited.totals).toMatchObject({ live: 0, new: 0 });
  });

  test('a recurring rule has its turns when they are due, by the clock of the person, from when they are known', () => {
    const every = { text: 'day 09:00', cron: '0 9 * * *' };
    const turns = plainRule({ name: 'T', on: [], zone: 'user', every, audience: 'true' });
    const lisbon: HistoryEvent = { ...a(), traits: { time_zone: 'Europe/Lisbon' } };
    const steps = [post(HOUR, lisbon)];
    const { totals, types } = compare(past({ notify: [] }), turns, steps, BASE - DAY, BASE + 3 * DAY);
    // 26 to 28 October; the clocks have gone back to UTC by 09:00 of the first of them.
    expect(totals).toMatchObject({ live: 0, new: 3, added: 3 });
    expect(types[0]?.examples.map((one) => one.new?.at)).toEqual([
      '2025-10-26T09:00:00.000Z',
      '2025-10-27T09:00:00.000Z',
      '2025-10-28T09:00:00.000Z',
    ]);
  });

  test('the report as text and as a page; whatever a person is called, it is text', () => {
    const report = compare(past({ limits: [once] }), past({}), [post(HOUR, a()), post(HOUR, a())]);
    const [type] = report.types;
    const [example] = type?.examples ?? [];
    if (!type || !example) throw new Error('no example');
    const hostile = '<img src=x onerror=alert(1)>';
    const changed = { ...report, types: [{ ...type, examples: [{ ...example, user_id: hostile }] }] };
    const text = renderTextReport(changed);
    expect(text).toContain('2 events of 1 users');
    expect(text).toMatch(/N1 +1 +2 +1 +0 +0 +1/);
    expect(text).toContain('R: suppressed (limit_reached)');
    const page = renderHtmlReport(changed);
    expect(page).not.toContain(hostile);
    expect(page).toContain('&lt;img src=x');
    expect(page).not.toMatch(/<script|<link|https?:/);
    expect(page.match(/<rect class="(live|new)"/g)).toHaveLength(2);
  });

  test('a bar that says how far it is', () => {
    expect(renderProgress(500, 2000, 12_000, 2)).toMatch(
      /^\[#{8} {22}\] 25% {2}500 of 2,000 users {2}6,000 events\/s$/,
    );
    expect(renderProgress(0, 0, 0, 0)).toContain('100%');
  });
});

describe('reading the past', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    // More than a page of one person, between two others.
    await database.pool.query(
      `insert into events
         (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
       select 't', case when n = 1 then 'a' when n = 7000 then 'c' else 'b' end, $1::timestamptz + n * interval '1 minute',
              gen_random_uuid(), 'a', $1::timestamptz + n * interval '1 minute', '{}', '{}', 0, '[]'
       from generate_series(1, 7000) as n`,
      [new Date(BASE).toISOString()],
    );
  });
  afterAll(() => database.drop());
  const minutes = (count: number) => BASE + count * 60_000;

  test('each person is whole, however their events fall on pages', async () => {
    const read: [string, number][] = [];
    const query = { tenantId: 't', since: BASE, until: minutes(9000), includeIdle: false };
    for await (const { lives } of readHistories(database.pool, query)) {
      for (const { userId, events } of lives) read.push([userId, events.length]);
    }
    expect(read).toEqual([
      ['a', 1],
      ['b', 6998],
      ['c', 1],
    ]);
  });

  test('people without news are left out, unless everybody is asked for; what came later is not there', async () => {
    const read = async (includeIdle: boolean, userId?: string) => {
      const query = { tenantId: 't', since: minutes(3000), until: minutes(7000), includeIdle };
      const found: [string, number][] = [];
      for await (const { lives } of readHistories(database.pool, {
        ...query,
        ...(userId === undefined ? {} : { userId }),
      })) {
        for (const life of lives) found.push([life.userId, life.events.length]);
      }
      return found;
    };
    expect(await read(false)).toEqual([['b', 6998]]);
    expect(await read(true)).toEqual([
      ['a', 1],
      ['b', 6998],
    ]);
    expect(await read(true, 'a')).toEqual([['a', 1]]);
  });

  test('whoever stops early leaves no transaction behind', async () => {
    const query = { tenantId: 't', since: BASE, until: minutes(9000), includeIdle: false };
    for await (const _ of readHistories(database.pool, query)) break;
    const { rows } = await database.pool.query(
      `select count(*) as open from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`,
    );
    expect(rows[0]?.open).toBe(0);
  });
});

/** Where between its beginning and its end a history is looked at. */
const share = fc.double({ min: 0, max: 1, noNaN: true });

const postWith = (gap: Millis, type: string, properties: JsonObject, late = 0): Step => ({
  gap,
  kind: 'post',
  events: [{ user: 0, type, late, properties, traits: {}, startsIn: null }],
});
const post = (gap: Millis, type: string, late = 0): Step => postWith(gap, type, {}, late);
const endOfWaits = (gap: Millis): Step => ({ gap, kind: 'end' });
const applyOther: Step = { gap: 1, kind: 'apply' };
const aSecond = { delay: { span: 1000, text: '1s' } };

/** What the end of one wait makes begins another, which is over in the millisecond in which something arrived. */
const endsInOneInstant: [Rule[], Step[], number] = [
  [
    plainRule({
      name: 'R0',
      on: ['d', 'a'],
      digest: { window: { kind: 'fixed', span: 1000, text: '1s' }, keep: 1, firstNow: false },
      actions: [{ kind: 'emit', event: 'd', properties: {} }],
    }),
  ],
  [post(1, 'a'), post(DAY, 'd', DAY), endOfWaits(0), endOfWaits(0), post(1, 'a')],
  0,
];

/** Two catalogs and what happened: found at random, once in some thousand. */
const stories: [Rule[], Rule[], Step[], number][] = [
  // What a rule emits meets a wait that ended under a version that nothing else of the batch goes by.
  [
    [plainRule({ name: 'R0', on: ['a'], ...aSecond })],
    [
      plainRule({ name: 'R0', on: ['a'], ...aSecond, cancelOn: ['d'] }),
      plainRule({ name: 'R1', on: ['b'], actions: [{ kind: 'emit', event: 'd', properties: {} }] }),
    ],
    [post(1, 'a'), endOfWaits(HOUR), applyOther, post(HOUR, 'b', HOUR)],
    0,
  ],
  // A wait that has fired had no key; in the version in force the rule has one, which what comes too late has not.
  [
    [plainRule({ name: 'R0', on: ['a'], ...aSecond, cancelOn: ['d'] })],
    [plainRule({ name: 'R0', on: ['a'], ...aSecond, cancelOn: ['d'], key: 'event.k' })],
    [post(1, 'a'), endOfWaits(HOUR), applyOther, post(HOUR, 'd', 2 * HOUR)],
    0,
  ],
  // A late event completes the pattern of a trigger that began a wait by a version without the pattern.
  [
    [plainRule({ name: 'R0', on: ['b'], ...aSecond })],
    [plainRule({ name: 'R0', on: ['b'], ...aSecond, after: [{ event: 'a', within: HOUR, withinText: '1h' }] })],
    [post(1, 'b'), endOfWaits(HOUR), applyOther, post(HOUR, 'a', 2 * HOUR + 1)],
    0,
  ],
  // Late beginnings of a count make it right, wrong, and right again.
  [
    [
      plainRule({
        name: 'R0',
        on: ['d'],
        ...aSecond,
        count: { of: ['b'], how: 'at_most', n: 0, window: { kind: 'since', event: 'a', text: 'a' } },
      }),
    ],
    [plainRule({ name: 'R0', on: ['a'] })],
    [post(DAY, 'd'), post(HOUR, 'a', 5 * HOUR), post(HOUR, 'b', 5 * HOUR), endOfWaits(HOUR), post(HOUR, 'a', 5 * HOUR)],
    0,
  ],
  // A late event completes the pattern of one rule, and what is emitted because of it that of another.
  [
    [
      plainRule({ name: 'R0', on: ['b'], after: [{ event: 'e', within: HOUR, withinText: '1h' }] }),
      plainRule({ name: 'R1', on: ['b'], after: [{ event: 'a', within: HOUR, withinText: '1h' }] }),
      plainRule({ name: 'R2', on: ['a'], notify: [], actions: [{ kind: 'emit', event: 'e', properties: {} }] }),
    ],
    [],
    [post(DAY, 'b'), post(HOUR, 'a', HOUR + 1)],
    0,
  ],
  // It was told by a version without the pattern, which a late event completes: before the replay begins, and in it.
  ...[0, 0.999].map((from): [Rule[], Rule[], Step[], number] => [
    [plainRule({ name: 'R0', on: ['b'] })],
    [plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: HOUR, withinText: '1h' }] })],
    [post(DAY, 'b'), applyOther, post(HOUR, 'a', HOUR + 2)],
    from,
  ]),
  // The same with a burst before, which an earlier one began; and the rule is not as simple by then.
  [
    [plainRule({ name: 'R0', on: ['b'], debounce: { quiet: 1000, text: '1s' } })],
    [plainRule({ name: 'R0', on: ['b'], key: 'event.k', after: [{ event: 'a', within: HOUR, withinText: '1h' }] })],
    [
      postWith(DAY, 'b', { k: 'x' }),
      postWith(1, 'b', { k: 'x' }),
      endOfWaits(HOUR),
      applyOther,
      postWith(HOUR, 'a', { k: 'x' }, 2 * HOUR + 3),
    ],
    0,
  ],
  // Right, wrong and right again, of a rule that does not wait.
  [
    [
      plainRule({
        name: 'R0',
        on: ['d'],
        actions: [{ kind: 'emit', event: 'e', properties: {} }],
        count: { of: ['b'], how: 'at_most', n: 0, window: { kind: 'since', event: 'a', text: 'a' } },
      }),
    ],
    [plainRule({ name: 'R0', on: ['a'] })],
    [post(HOUR, 'a'), post(DAY, 'd'), post(HOUR, 'b', 5 * HOUR), post(HOUR, 'a', 6 * HOUR), post(HOUR, 'a', 4 * HOUR)],
    0,
  ],
];

const PEOPLE = ['u0', 'u1'];

/**
 * Lets a history happen to a tenant of its own; when it ends.
 * @param onTime every wait ends when it is due, not when the history says so
 */
async function live(
  { pool }: TestDatabase,
  tenantId: string,
  versions: readonly CatalogData[],
  steps: readonly Step[],
  onTime = false,
): Promise<Millis> {
  let now = BASE;
  let made = 0;
  let applied = 0;
  let active = versions[0] as CatalogData;
  const catalogs = new CatalogCache(pool);
  const pipeline = new Pipeline({
    pool,
    catalogs,
    partitions: new Partitions(pool),
    seal: new Seal(Buffer.alloc(32)),
    clock: () => now,
    log: silent,
  });
  await applyCatalog(pool, tenantId, active, 'test', now);
  let turnsUntil = now;
  const endUntil = async (to: Millis) => {
    for (;;) {
      const { rows } = await pool.query<{ due: Millis | null }>(
        `select min(due_at) as due from waits where tenant_id = $1 and status = 'waiting'`,
        [tenantId],
      );
      const due = rows[0]?.due ?? null;
      if (due === null || due > to) break;
      now = Math.max(now, due);
      await pipeline.fireDueWaits(tenantId, PEOPLE);
    }
    now = Math.max(now, to);
  };
  for (const step of steps) {
    if (onTime) await endUntil(now + step.gap);
    else now += step.gap;
    if (step.kind === 'post') {
      await pipeline.ingest(
        tenantId,
        step.events.map((event) => posted(event, ++made, now)),
      );
    } else if (step.kind === 'apply') {
      active = versions[++applied % versions.length] as CatalogData;
      await applyCatalog(pool, tenantId, active, 'test', now);
    } else {
      await pipeline.fireDueWaits(tenantId, PEOPLE);
      for (const rule of active.rules) {
        if (!rule.every) continue;
        for (const userId of PEOPLE) {
          const zone = resolveZone(rule.zone, await traitsOf(pool, tenantId, userId));
          const due = nextOccurrence(rule.every.cron, zone, turnsUntil);
          if (due === null || due > now) continue;
          const label = formatLocalTimeKey(due, zone);
          // Which of two in one millisecond was first is nowhere written down.
          now++;
          await pipeline.runSchedule({ tenantId, rule: rule.name, due, label }, [userId], async () => {});
        }
      }
      turnsUntil = now;
    }
  }
  await pipeline.drain();
  return now;
}

async function traitsOf(pool: TestDatabase['pool'], tenantId: string, userId: string): Promise<JsonObject> {
  const { rows } = await pool.query('select traits from users where tenant_id = $1 and user_id = $2', [
    tenantId,
    userId,
  ]);
  return rows[0]?.traits ?? {};
}

/** An event as a caller posts it. */
function posted(event: HistoryEvent, number: number, now: Millis): JsonObject {
  const { user, type, late, properties, traits, startsIn } = event;
  const time = now - late;
  return {
    event_id: `e${number}`,
    user_id: `u${user}`,
    event_type: type,
    event_timestamp: new Date(time).toISOString(),
    properties: { ...properties, ...(startsIn === null ? {} : { starts_at: new Date(time + startsIn).toISOString() }) },
    user_traits: traits,
  };
}

/** The pipeline without its database: what it would have stored of each person. */
function play(rules: readonly Rule[], steps: readonly Step[]): { lives: UserHistory[]; end: Millis } {
  // Of what is posted nothing is asked, and schemas take long to compile.
  const { traits: _, ...data } = catalogOf(rules);
  const catalog = { ...compileCatalog(1, 0, { ...data, events: [] }), rules: rulesOf(rules) };
  const catalogs = { active: catalog, versions: new Map([[1, catalog]]) };
  const users = new Map<string, UserState>();
  const events: HistoricalEvent[] = [];
  const ends = new Map<string, readonly Decision[]>();
  const seal = new Seal(Buffer.alloc(32));
  let now = BASE;
  let made = 0;
  for (const step of steps) {
    now += step.gap;
    const facts = { catalogVersion: 1, users, addressHashes: new Map(), stored: new Map(), contentHashes: new Map() };
    const assembly = new BatchDecider(
      't',
      now,
      catalogs,
      facts as never,
      new AddressChanges('t', new Map(), seal),
      ids,
    );
    const follow = (emitted: readonly ReceivedEvent[]) => {
      for (let left = emitted; left.length > 0; ) left = assembly.decide(left);
    };
    if (step.kind === 'post') {
      const read = step.events.map((event) => {
        const item = posted(event, ++made, now);
        if (!users.has(String(item.user_id))) users.set(String(item.user_id), newUserState(String(item.user_id)));
        const read = parseEvent('t', item, () => null);
        if (isRejection(read)) throw new Error(read.message);
        return read;
      });
      follow(assembly.decide(read));
    } else {
      let left: readonly Wait[] = [...users.values()].flatMap(({ waits }) =>
        [...waits.values()].filter(({ status, dueAt }) => status === 'waiting' && dueAt <= now),
      );
      while (left.length > 0) {
        const ended = assembly.fireWaits(left);
        follow(ended.emitted);
        left = ended.left;
      }
    }
    const batch = assembly.buildBatch();
    for (const { event, decisions } of batch.events) {
      const { tenantId, userId, eventId, key, type, time, properties, traits, contextText } = event;
      const emittedBy = contextText === null ? null : String(JSON.parse(contextText).emitted_by);
      const own = { tenantId, userId, eventId, key, type, time, properties, traits };
      const stored = JSON.parse(JSON.stringify(decisions)) as Decision[];
      events.push({
        ...own,
        openChanges: () => findOpenChanges(own, stored),
        receivedAt: now,
        catalogVersion: 1,
        emittedBy,
        hasFired: true,
        decisions: () => stored,
      });
    }
    for (const { wait, decisions } of batch.waits) {
      wait.stored = 'same';
      if (wait.status !== 'waiting') ends.set(wait.waitId, JSON.parse(JSON.stringify(decisions)));
    }
  }
  const lives = [...users.values()].map(
    ({ userId, profile, waits, uses }): UserHistory => ({
      userId,
      profile,
      events: events
        .filter((event) => event.userId === userId)
        .sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1)),
      waits: [...waits.values()].map((wait) => ({ ...wait, decisions: ends.get(wait.waitId) ?? [] })),
      uses: [...uses].flatMap(([limitKey, list]) => list.map((use) => ({ limitKey, ...use }))),
    }),
  );
  return { lives, end: now };
}

/** Triggers that a rule sent the same notification for, or acted on, more than once. A digest is named by one of its items. */
function toldTwice({ events, waits }: Pick<UserHistory, 'events' | 'waits'>): string[] {
  const decisions = [...events.flatMap((event) => event.decisions()), ...waits.flatMap((wait) => wait.decisions)];
  const sends = decisions
    .filter(({ outcome, evidence }) => (outcome === 'send' || outcome === 'acted') && !evidence.digest)
    .map(({ rule, notification_type: type, event_ids: [trigger] }) => `${rule} ${type} ${trigger}`);
  return sends.filter((one, place) => sends.indexOf(one) < place);
}

/** @param other the candidate; without one the past is decided again */
function replayAll(
  rules: readonly Rule[],
  lives: readonly UserHistory[],
  since: Millis,
  until: Millis,
  other?: readonly Rule[],
): BacktestReport {
  const set = rulesOf(rules);
  const candidate = other ? rulesOf(other, 2) : null;
  const backtest = new Backtest({ since, until, candidate, version: () => set });
  for (const life of lives) backtest.take(life);
  return backtest.report();
}
