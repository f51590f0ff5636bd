import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import fc from 'fast-check';
import Fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type pg from 'pg';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { compileCatalog } from '../src/catalog/compile/compile-catalog.ts';
import { addWaitsCommands } from '../src/cli/waits.ts';
import type { App } from '../src/http/app.ts';
import { authenticate } from '../src/http/auth.ts';
import { registerErrorHandlers } from '../src/http/error-handlers.ts';
import { waitRoutes } from '../src/http/waits.ts';
import { type Facts, loadConditionalFacts } from '../src/ingest/load-facts.ts';
import { TokenBucket } from '../src/lib/token-bucket.ts';
import { type CatalogData, EMPTY_CATALOG, type Rule } from '../src/model/catalog.ts';
import type { Decision } from '../src/model/decision.ts';
import type { Millis } from '../src/model/event.ts';
import { addEvent, newUserState, type Wait, type WaitState } from '../src/rules/facts.ts';
import { applyCatalog } from '../src/store/catalogs.ts';
import { type FactsQuery, lockUsers } from '../src/store/facts.ts';
import { enqueueOutbox } from '../src/store/outbox.ts';
import { type Connection, openPool } from '../src/store/pg/pool.ts';
import { withTransaction } from '../src/store/pg/transaction.ts';
import { claimSchedule, saveSchedule } from '../src/store/schedules.ts';
import { loadSpans, mergeSpans, type Span } from '../src/store/spans.ts';
import { loadTraitChanges } from '../src/store/trait-changes.ts';
import { listWaits } from '../src/store/wait-views.ts';
import {
  claimDueWaits,
  countWaiting,
  loadNextWaitDue,
  loadUsersWaitingFor,
  loadWaits,
  loadWaitsById,
  loadWaitsOfRule,
  writeWaits,
} from '../src/store/waits.ts';
import { latestMissed } from '../src/timers/latest-missed.ts';
import { type ScheduledRule, syncSchedules } from '../src/timers/sync-schedules.ts';
import { type TimedPipeline, TimerWorker, type TimerWorkerOptions } from '../src/timers/worker.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** Rules that wait, as they are stored and as their time comes; the engine's part is in rules-time.test.ts. */

const TENANT = 'default';
const silent = pino({ level: 'silent' });
const NOW = Date.parse('2025-11-20T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool;
});
afterEach(async () => {
  await Promise.all([...running].map((worker) => worker.stop()));
  running.clear();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await pool.query(
    'truncate waits, schedules, outbox_events, users, events, active_catalogs, catalogs, audit_log cascade',
  );
});

describe('the table', () => {
  test('what was written is loaded again, and counts as unchanged', async () => {
    const one = wait({ key: 'booking 1', kind: 'digest', state: { trigger: TRIGGER, items: [], total: 3 } });
    await save(one);
    const [loaded] = await load(['u']);
    expect(loaded).toEqual({ ...one, stored: 'same' });

    const moved: Wait = { ...(loaded as Wait), dueAt: NOW + DAY, triggerTime: NOW + 5, stored: 'changed' };
    await save(moved);
    expect(await load(['u'])).toEqual([{ ...moved, stored: 'same' }]);
  });

  test('all open waits of the people, and of a rule and key the latest 20 that have ended; none twice', async () => {
    const open = [wait(), wait({ rule: 'B', key: '=k' }), wait({ userId: 'v' })];
    const ended = Array.from({ length: 25 }, (_, n) =>
      wait({ status: 'fired', endedAt: NOW, triggerTime: NOW - n * HOUR, key: '' }),
    );
    const others = [
      wait({ status: 'cancelled', endedAt: NOW, key: 'other' }),
      wait({ status: 'fired', endedAt: NOW, rule: 'B', key: '=k' }),
      wait({ status: 'fired', endedAt: NOW, userId: 'v' }),
    ];
    await save(...open, ...ended, ...others);
    const needs = [
      { userId: 'u', need: { rule: 'A', key: '' } },
      { userId: 'u', need: { rule: 'A', key: '' } },
    ];
    expect(idsOf(await load(['u'], needs))).toEqual(idsOf([open[0], open[1], ...ended.slice(0, 20)] as Wait[]));
    expect(idsOf(await load(['v']))).toEqual(idsOf([open[2]] as Wait[]));
    const more = [
      { userId: 'u', need: { rule: 'B', key: '=k' } },
      { userId: 'u', need: { rule: 'A', key: 'other' } },
    ];
    expect(idsOf(await load(['u'], more))).toEqual(idsOf([open[0], open[1], others[1], others[0]] as Wait[]));
    expect(await load([])).toEqual([]);
  });

  test('of more open waits than anybody looks at, those that are due first', async () => {
    await fill(2100);
    const loaded = await load(['p 7']);
    expect(loaded).toHaveLength(2000);
    expect(Math.max(...loaded.map(({ dueAt }) => dueAt))).toBe(NOW + 1999 * 1000);
  });

  test('of large open waits, those that are due first; at least one', async () => {
    const large = (n: number, bytes: number) =>
      wait({ dueAt: NOW + n, state: { trigger: { ...TRIGGER, properties: { text: 'x'.repeat(bytes) } } } });
    const all = Array.from({ length: 20 }, (_, n) => large(n, 1_000_000));
    await save(...all.slice(10), wait({ userId: 'v' }));
    await save(...all.slice(0, 10));
    // 16 MiB is a little less than 17 of them.
    expect((await load(['u', 'v'])).map(({ userId, dueAt }) => (userId === 'u' ? dueAt - NOW : userId))).toEqual([
      ...Array.from({ length: 17 }, (_, n) => n),
      'v',
    ]);
    await pool.query('truncate waits');
    await save(large(0, 17_000_000), wait({ dueAt: NOW + 1 }));
    expect((await load(['u'])).map(({ dueAt }) => dueAt)).toEqual([NOW]);
  });

  test('a wait begins once', async () => {
    const one = wait();
    await save(one);
    await expect(save(one)).rejects.toMatchObject({ code: '23505' });
  });

  test('a wait ends once, whoever ends it', async () => {
    const one = wait();
    await save(one);
    await save(ended(one));
    await expect(save({ ...one, stored: 'changed', dueAt: NOW + DAY })).rejects.toMatchObject({ code: '40001' });
    await expect(save({ ...ended(one), status: 'cancelled' })).rejects.toMatchObject({ code: '40001' });
    expect((await rowOf(one)).status).toBe('fired');
  });

  test('a status and its times belong together', async () => {
    const fails = (values: Partial<Wait>) => expect(save(wait(values))).rejects.toMatchObject({ code: '23514' });
    await fails({ status: 'waiting', endedAt: NOW });
    await fails({ status: 'fired', endedAt: null });
    await fails({ status: 'gone' as 'fired', endedAt: NOW });
    await fails({ kind: 'nap' as 'delay' });
  });

  test('a wait may end in the statement that begins it, and one beyond the year 9999 is due at its end', async () => {
    const turn = wait({ kind: 'every', status: 'fired', endedAt: NOW });
    const far = wait({ dueAt: Date.parse('9999-12-31T23:00:00Z') + DAY });
    await save(turn, far);
    expect((await rowOf(turn)).ended_at).toBe(NOW);
    expect((await rowOf(far)).due_at).toBe(Date.parse('9999-12-31T23:59:59.999Z'));
  });

  test('what was decided at its end is shown with it', async () => {
    const one = wait();
    await save(one);
    const decision = decided(one);
    await writeWaits(pool, TENANT, [{ wait: ended(one), decisions: [decision] }], NOW);
    const { waits } = await listWaits(pool, TENANT, {}, 10, null);
    expect(waits[0]).toMatchObject({
      wait_id: one.waitId,
      status: 'fired',
      key: null,
      event_id: 'e',
      event_type: 'began',
      due_at: new Date(one.dueAt).toISOString(),
      decisions: [decision],
    });
  });

  test('a list: newest first, by person, rule and status, page by page', async () => {
    const all = Array.from({ length: 5 }, (_, n) => wait({ beganAt: NOW + n, rule: n % 2 ? 'A' : 'B' }));
    await save(...all, wait({ userId: 'v', rule: 'B', status: 'cancelled', endedAt: NOW, beganAt: NOW - 1 }));
    const first = await listWaits(pool, TENANT, { userId: 'u' }, 3, null);
    const second = await listWaits(pool, TENANT, { userId: 'u' }, 3, first.last);
    expect([...first.waits, ...second.waits].map(({ wait_id }) => wait_id)).toEqual(
      all.map(({ waitId }) => waitId).reverse(),
    );
    expect(second.last).toBeNull();
    const count = async (filter: Parameters<typeof listWaits>[2]) =>
      (await listWaits(pool, TENANT, filter, 10, null)).waits.length;
    expect(await count({ rule: 'B' })).toBe(4);
    expect(await count({ rule: 'B', status: 'waiting' })).toBe(3);
    expect(await count({ status: 'cancelled' })).toBe(1);
    expect(await count({ userId: 'nobody' })).toBe(0);
    expect(await countWaiting(pool, TENANT)).toEqual([
      { rule: 'A', users: 1, waits: 2 },
      { rule: 'B', users: 1, waits: 3 },
    ]);
    expect(await countWaiting(pool, TENANT, ['A', 'C'])).toEqual([{ rule: 'A', users: 1, waits: 2 }]);
    expect(await countWaiting(pool, TENANT, [])).toEqual([]);
  });
});

describe('claims', () => {
  test('the people whose waits have been due longest; what is claimed is left alone until the claim runs out', async () => {
    const due = (userId: string, ago: Millis) => wait({ userId, dueAt: NOW - ago });
    await save(due('c', 10), due('a', 30), due('b', 20), due('a', 5), due('late', -1));
    const claim = (at: Millis, limit: number) => claimDueWaits(pool, at, at + 60_000, limit);
    expect(await loadNextWaitDue(pool)).toBe(NOW - 30);
    expect(await claim(NOW, 2)).toEqual([
      { tenantId: TENANT, userId: 'a', dueAt: NOW - 30 },
      { tenantId: TENANT, userId: 'b', dueAt: NOW - 20 },
    ]);
    expect(await loadNextWaitDue(pool)).toBe(NOW - 10);
    expect((await claim(NOW, 10)).map(({ userId }) => userId)).toEqual(['c', 'a']);
    expect(await claim(NOW, 10)).toEqual([]);
    expect(await loadNextWaitDue(pool)).toBe(NOW + 1);
    // Whoever held them is gone.
    expect((await claim(NOW + 60_001, 10)).map(({ userId }) => userId)).toEqual(['a', 'b', 'c', 'late']);
  });

  test('of large ones not all at once, and each in its turn', async () => {
    const state = { trigger: { ...TRIGGER, properties: { text: 'x'.repeat(1_000_000) } } };
    const all = Array.from({ length: 40 }, (_, n) => wait({ userId: `p ${n}`, dueAt: NOW - 100 + n, state }));
    await save(...all.slice(0, 20));
    await save(...all.slice(20));
    const claims: number[] = [];
    const taken: string[] = [];
    const claim = () => claimDueWaits(pool, NOW, NOW + 60_000, 500);
    for (let users = await claim(); users.length > 0; users = await claim()) {
      claims.push(users.length);
      taken.push(...users.map(({ userId }) => userId));
    }
    expect(claims).toEqual([17, 17, 6]);
    expect(taken).toEqual(all.map(({ userId }) => userId));
  });

  test('two at once never take the same', async () => {
    await fill(1000, 1000, -DAY);
    const claims = await Promise.all(Array.from({ length: 10 }, () => claimDueWaits(pool, NOW, NOW + 60_000, 100)));
    const users = claims.flat().map(({ userId }) => userId);
    expect(users).toHaveLength(1000);
    expect(new Set(users).size).toBe(1000);
  });

  test('a wait that is moved is free again, and of one that has ended nothing is left', async () => {
    const [one, other] = [wait({ dueAt: NOW }), wait({ dueAt: NOW })];
    await save(one, other);
    await claimDueWaits(pool, NOW, NOW + DAY, 10);
    await save({ ...one, dueAt: NOW + 1, stored: 'changed' }, ended(other));
    expect(await claimDueWaits(pool, NOW + 1, NOW + DAY, 10)).toHaveLength(1);
    expect((await rowOf(other)).claimed_until).toBeNull();
  });

  /** What a statistics run in the midst of a large transaction comes to: many pages, no rows; any index seems to do. */
  async function takenForEmpty(): Promise<void> {
    await withTransaction(pool, async (connection) => {
      await fill(5000, 5000, 0, connection);
      await pool.query('analyze waits');
    });
  }

  test.each([
    ['has never been looked at', () => fill(5000, 5000)],
    ['was last looked at before its rows were committed', takenForEmpty],
  ])('plans of a table that %s take the index that is meant, and no other', async (_when, grow) => {
    const single = openPool(database.url, { max: 1, name: 'plans' });
    try {
      const now = new Date(NOW).toISOString();
      await claimDueWaits(single, NOW, NOW, 1);
      await loadNextWaitDue(single);
      await load(['u'], [{ userId: 'u', need: { rule: 'A', key: '' } }], single);
      await loadWaitsById(single, TENANT, [{ userId: 'u', waitId: randomUUID() }]);
      await loadWaitsOfRule(single, TENANT, 'A', ['u']);
      await loadUsersWaitingFor(single, TENANT, 'A', '', 1);
      await writeWaits(single, TENANT, [{ wait: wait(), decisions: [] }], NOW);
      await grow();
      const plan = async (statement: string) =>
        (await single.query(`explain execute ${statement}`)).rows.map((row) => row['QUERY PLAN']).join('\n');
      const indexes = async (statement: string) => {
        const text = await plan(statement);
        expect(text).not.toMatch(/Seq Scan on|Bitmap/);
        // What must be looked up is not looked for.
        expect(text).not.toMatch(/Filter: .*\b(user_id|wait_id) =/);
        return [...text.matchAll(/Index (?:Only )?Scan using (\w+)/g)].map(([, name]) => name);
      };
      expect(await indexes(`"claim-due-waits"('${now}', '${now}', 10)`)).toEqual(['waits_due']);
      expect(await plan(`"claim-due-waits"('${now}', '${now}', 10)`)).toContain('Tid Scan on waits');
      expect(await indexes('"next-wait-due"')).toEqual(['waits_due']);
      const loads = await indexes(`"load-waits"('${TENANT}', 'u', 'u', 'A', '=')`);
      expect(loads).toEqual(['waits_open', 'waits_latest']);
      expect(await indexes(`"load-waits-by-id"('${TENANT}', 'u', '${randomUUID()}')`)).toEqual(['waits_pkey']);
      expect(await indexes(`"load-waits-in"('${TENANT}', 'A', 'u')`)).toEqual(['waits_open']);
      expect(await indexes(`"users-waiting-for"('${TENANT}', '', 'A', 10)`)).toEqual(['waits_open']);
    } finally {
      await single.end();
    }
  });
});

describe('spans of whole events', () => {
  test('what touches is asked once', () => {
    const span = (userId: string, type: string, from: number, to: number): Span => ({ userId, type, from, to });
    expect(
      mergeSpans([
        span('u', 'a', 5, 9),
        span('v', 'a', 0, 1),
        span('u', 'a', 1, 5),
        span('u', 'b', 2, 3),
        span('u', 'a', 20, 30),
        span('u', 'a', 2, 3),
      ]),
    ).toEqual([span('u', 'a', 1, 9), span('u', 'a', 20, 30), span('u', 'b', 2, 3), span('v', 'a', 0, 1)]);
  });

  test('merged spans cover the same, and do not touch', () => {
    const time = fc.integer({ min: 0, max: 30 });
    const some = fc.record({
      userId: fc.constantFrom('u', 'v'),
      type: fc.constantFrom('a', 'b'),
      from: time,
      to: time,
    });
    const covers = (spans: readonly Span[], { userId, type }: Span, at: number) =>
      spans.some((one) => one.userId === userId && one.type === type && one.from <= at && at <= one.to);
    fc.assert(
      fc.property(fc.array(some), (pairs) => {
        const spans = pairs.map((one) => ({
          ...one,
          from: Math.min(one.from, one.to),
          to: Math.max(one.from, one.to),
        }));
        const merged = mergeSpans(spans);
        for (const one of spans) {
          for (let at = 0; at <= 30; at++) expect(covers(merged, one, at)).toBe(covers(spans, one, at));
        }
        for (const [place, one] of merged.entries()) {
          const next = merged[place + 1];
          if (next?.userId === one.userId && next.type === one.type) expect(next.from).toBeGreaterThan(one.to);
        }
      }),
    );
  });

  test('loaded whole, both ends included, once, and no trigger that waits for its earlier half', async () => {
    for (const [n, at] of [0, 10, 20, 30].entries()) await event('u', 'a', NOW + at, n);
    await event('u', 'b', NOW + 10, 7);
    await event('v', 'a', NOW + 10, 8);
    const user = newUserState('u');
    const users = new Map([
      ['u', user],
      ['v', newUserState('v')],
    ]);
    addEvent(user, 'a', { key: keyOf(1), eventId: 'n1', time: NOW + 10 });
    const span = { userId: 'u', type: 'a', from: NOW + 10, to: NOW + 20 };
    const spans = [span, { ...span, from: NOW + 15 }, { ...span, userId: 'v', to: NOW + 11 }];
    await loadHistory(
      users,
      ...spans.map(({ userId, ...one }) => ({ userId, need: { kind: 'span', ...one } as const })),
    );
    const known = [...(user.events.get('a') ?? [])].sort((a, b) => a.time - b.time);
    expect(known.map(({ eventId, waitsFor }) => [eventId, waitsFor?.size])).toEqual([
      ['n1', 0],
      ['n2', 0],
    ]);
    expect(known[0]?.event).toEqual({
      tenantId: TENANT,
      userId: 'u',
      eventId: 'n1',
      key: keyOf(1),
      type: 'a',
      time: NOW + 10,
      properties: { n: 1 },
      traits: {},
    });
    expect(user.events.has('b')).toBe(false);
    expect(users.get('v')?.events.get('a')).toHaveLength(1);
  });

  test('of more than anybody looks at, the latest', async () => {
    await pool.query(
      `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
       select $1, 'u', $2::timestamptz + n * interval '1 second', ('00000000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a', $2, '{}', '{}', 1, '[]'
       from generate_series(1, 1100) as n`,
      [TENANT, new Date(NOW)],
    );
    const all = { userId: 'u', type: 'a', from: 0, to: Date.parse('9999-12-31T23:59:59.999Z') };
    const times = (await loadSpans(pool, TENANT, [all])).map(({ time }) => time);
    expect([times.length, Math.min(...times)]).toEqual([1000, NOW + 101_000]);
  });
});

describe('changes of traits whose pattern was incomplete', () => {
  const change = { trait: 'plan', from: 'free', to: 'pro' };
  const pattern = { after: 'a', within: '1h', from: '', to: '' };
  const said = (c: string, v: object, more: object = {}) => ({ r: 'R', o: 'not_matched', c, s: '', v, ...more });
  const all = { userId: 'u', from: NOW, to: NOW + 100 };

  test('as the decisions on their events say; of late parts and of what was told nothing', async () => {
    const count = { of: ['a'], needed: 'at least 2', window: '1h', counted: 1 };
    const open = said('pattern_incomplete', { change, pattern });
    await event('u', 'x', NOW - 1, 1, [open]);
    await event('u', 'x', NOW, 2, [
      open,
      { ...open, t: 'OTHER' },
      said('count_not_met', { change, count }, { r: 'S' }),
    ]);
    await event('u', 'y', NOW + 10, 3, [said('condition_false', { change, count }, { r: 'S' })]);
    await event('u', 'x', NOW + 20, 4, [{ ...said('matched', { change, pattern }), o: 'send' }]);
    await event('u', 'x', NOW + 30, 5, [said('pattern_incomplete', { change, pattern }, { e: ['n2', 'n5'] })]);
    await event('u', 'x', NOW + 40, 6, [said('pattern_incomplete', { pattern })]);
    await event('u', 'x', NOW + 50, 7, [said('condition_false', { change })]);
    await event('v', 'x', NOW + 10, 8, [open]);
    await event('u', 'x', NOW + 100, 9, [open]);
    const user = newUserState('u');
    const changes = (from: Millis) => ({ userId: 'u', need: { kind: 'changes', from, to: all.to } }) as const;
    await loadHistory(new Map([['u', user]]), changes(all.from), changes(NOW + 5));
    const found = () => user.changes?.map(({ rule, trigger, change: { to } }) => [rule, trigger.eventId, to]);
    const expected = [
      ['R', 'n2', 'pro'],
      ['S', 'n2', 'pro'],
      ['S', 'n3', 'pro'],
      ['R', 'n9', 'pro'],
    ];
    expect(found()).toEqual(expected);
    expect(user.changes?.[2]?.trigger).toEqual({
      tenantId: TENANT,
      userId: 'u',
      eventId: 'n3',
      key: keyOf(3),
      type: 'y',
      time: NOW + 10,
      properties: { n: 3 },
      traits: {},
    });
    await loadHistory(new Map([['u', user]]), changes(all.from));
    expect(found()).toEqual(expected);
  });

  test('a plan made while the table is empty looks them up in an index, and stays', async () => {
    const single = openPool(database.url, { max: 1, name: 'plans' });
    try {
      await loadTraitChanges(single, TENANT, [all]);
      await pool.query(
        `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
         select $1, 'p ' || n % 50, $2::timestamptz + n * interval '1 second', gen_random_uuid(), 'a', $2, '{}', '{}', 1, '[]'
         from generate_series(1, 5000) as n`,
        [TENANT, new Date(NOW)],
      );
      const [from, to] = [NOW, NOW + DAY].map((at) => `'${new Date(at).toISOString()}'`);
      const { rows } = await single.query(
        `explain execute "load-trait-changes"('${TENANT}', 'p 1', ${from}, ${to}, ${from}, ${to})`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain('Index Scan using events_default_pkey');
      expect(plan).not.toMatch(/Seq Scan on|Bitmap/);
    } finally {
      await single.end();
    }
  });
});

describe('the worker and waits', () => {
  test('what is due ends, in order of due time; what is not, waits', async () => {
    const users = ['c', 'a', 'b'];
    await save(
      ...users.map((userId, n) => wait({ userId, dueAt: NOW - n })),
      wait({ userId: 'later', dueAt: NOW + HOUR }),
    );
    const { pipeline, clock, run } = setUp();
    await run();
    await pipeline.until(() => pipeline.ended.length === 3);
    expect(pipeline.ended).toEqual(['b', 'a', 'c']);
    clock.now += HOUR;
    await pipeline.until(() => pipeline.ended.length === 4);
    expect(pipeline.ended.at(-1)).toBe('later');
  });

  test('a wait that is due soon is announced: nobody needs to look', async () => {
    const { pipeline, run, clock } = setUp({ poll: 3_600_000 });
    await run();
    await save(wait({ userId: 'soon', dueAt: clock.now + 1 }));
    clock.now += 10;
    await save(wait({ userId: 'other', dueAt: clock.now }));
    await pipeline.until(() => pipeline.ended.length === 2);
    expect([...pipeline.ended].sort()).toEqual(['other', 'soon']);
  });

  test('many workers: each wait ends once', async () => {
    await fill(600, 200, -DAY);
    const { pipeline, run } = setUp();
    await Promise.all([run(), run(), run()]);
    await pipeline.until(() => pipeline.ended.length >= 600);
    const { rows } = await pool.query(`select status, count(*) as n from waits group by status`);
    expect(rows).toEqual([{ status: 'fired', n: 600 }]);
    expect(pipeline.ended).toHaveLength(600);
  });

  test('one who fails does not keep the others, and is tried again when the claim has run out', async () => {
    const users = ['a', 'b', 'bad', 'c', 'd'];
    await save(...users.map((userId, n) => wait({ userId, dueAt: NOW - 100 + n })));
    const { pipeline, clock, run } = setUp();
    pipeline.fails = (userId) => userId === 'bad';
    await run();
    await pipeline.until(() => pipeline.ended.length === 4);
    expect(pipeline.ended).toEqual(['a', 'b', 'c', 'd']);
    pipeline.fails = () => false;
    clock.now += 60_001;
    await pipeline.until(() => pipeline.ended.length === 5);
  });

  test('after a long absence people have their time at the pace that was set', async () => {
    await fill(30, 30, -DAY);
    const pace = { now: 0 };
    const { pipeline, run, worker } = setUp({ rate: 10, elapsed: () => pace.now });
    await run();
    await pipeline.until(() => pipeline.ended.length === 10);
    expect(worker().behind).toBe(DAY);
    // Nobody more in the same second, however often it looks.
    await pipeline.looks(3);
    expect(pipeline.ended).toHaveLength(10);
    pace.now += 500;
    await pipeline.until(() => pipeline.ended.length === 15);
    pace.now += 60_000;
    await pipeline.until(() => pipeline.ended.length === 25);
    // The oldest first.
    expect(pipeline.ended).toEqual(Array.from({ length: 25 }, (_, n) => `p ${n}`));
  });

  test('a worker that stops finishes what it has claimed', async () => {
    await fill(20, 20, -DAY);
    const { pipeline, run, stop } = setUp();
    let go: () => void = () => {};
    const began = new Promise<void>((resolve) => {
      pipeline.hold = new Promise<void>((release) => {
        go = release;
      });
      pipeline.onHold = resolve;
    });
    await run();
    await began;
    const stopped = stop();
    go();
    await stopped;
    expect(pipeline.ended).toHaveLength(20);
  });
});

describe('recurring rules', () => {
  test('rows follow the catalog in force and the zones people live in', async () => {
    await users(['a', null], ['b', 'Europe/Lisbon'], ['c', 'Europe/Lisbon'], ['d', 'America/New_York']);
    await version(1);
    const sync = (rules: ScheduledRule[], of = 1, now = NOW) => syncSchedules(pool, TENANT, of, rules, hourly, now);
    const summary = { name: 'SUMMARY', cron: '0 * * * *', zone: 'user' };
    const report = { name: 'REPORT', cron: '0 * * * *', zone: 'Asia/Tokyo' };
    expect(await sync([summary, report])).toBe(true);
    expect(await schedules()).toEqual([
      ['REPORT', 'Asia/Tokyo', NOW + HOUR],
      ['SUMMARY', 'America/New_York', NOW + HOUR],
      ['SUMMARY', 'Europe/Lisbon', NOW + HOUR],
      ['SUMMARY', 'UTC', NOW + HOUR],
    ]);
    // The same again changes nothing, though time has passed.
    await sync([summary, report], 1, NOW + 5 * HOUR);
    expect((await schedules()).every(([, , next]) => next === NOW + HOUR)).toBe(true);
    // Not the version in force: somebody else knows better.
    expect(await sync([], 2)).toBe(false);
    expect(await schedules()).toHaveLength(4);
    // Another recurrence begins anew, in a zone that somebody has moved to as well; a removed rule is forgotten.
    await users(['e', 'Asia/Kolkata']);
    await sync([{ ...summary, cron: '30 * * * *' }], 1, NOW + 5 * HOUR);
    expect(await schedules()).toEqual([
      ['SUMMARY', 'America/New_York', NOW + 5 * HOUR + HOUR / 2],
      ['SUMMARY', 'Asia/Kolkata', NOW + 5 * HOUR + HOUR / 2],
      ['SUMMARY', 'Europe/Lisbon', NOW + 5 * HOUR + HOUR / 2],
      ['SUMMARY', 'UTC', NOW + 5 * HOUR + HOUR / 2],
    ]);
    // What never comes has no row.
    await syncSchedules(pool, TENANT, 1, [summary], () => null, NOW);
    expect(await schedules()).toEqual([]);
  });

  test('how far it has come is saved by whoever holds it, and by nobody else', async () => {
    await version(1);
    await syncSchedules(pool, TENANT, 1, [{ name: 'R', cron: '0 * * * *', zone: 'UTC' }], hourly, NOW);
    expect(await claimSchedule(pool, NOW, NOW + 60_000)).toBeUndefined();
    const due = NOW + HOUR;
    const first = (await claimSchedule(pool, due, due + 60_000))!;
    expect(first).toMatchObject({ rule: 'R', zone: 'UTC', nextAt: due, cursor: null });
    expect(await claimSchedule(pool, due, due + 60_000)).toBeUndefined();
    // It went silent; another takes over, and then it comes back.
    const second = (await claimSchedule(pool, due + 60_001, due + 120_000))!;
    await expect(saveSchedule(pool, first, { nextAt: due, cursor: 'x', claimedUntil: null })).rejects.toThrow(
      'the claim on the schedule of rule R was lost',
    );
    await saveSchedule(pool, second, { nextAt: due, cursor: 'm', claimedUntil: null });
    expect(await claimSchedule(pool, due + 60_001, due + 120_000)).toMatchObject({ nextAt: due, cursor: 'm' });
  });

  test('everybody has a turn at their own local time, in pieces', async () => {
    const many = Array.from({ length: 1203 }, (_, n): [string, string | null] => [
      `u ${String(n).padStart(4, '0')}`,
      null,
    ]);
    await users(...many, ['x', 'UTC'], ['y', 'Europe/Lisbon'], ['z', 'Asia/Tokyo']);
    await version(1);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'SUMMARY', cron: '0 * * * *', zone: 'user' }];
    await run();
    await pipeline.until(async () => (await schedules()).length > 0);
    clock.now += HOUR;
    await pipeline.until(() => pipeline.turns.length === 1206);
    const told = pipeline.turns.map(({ userId }) => userId).sort();
    expect(told).toEqual([...many.map(([userId]) => userId), 'x', 'y', 'z'].sort());
    expect(new Set(pipeline.turns.map(({ due }) => due))).toEqual(new Set([NOW + HOUR]));
    expect(pipeline.turns.find(({ userId }) => userId === 'z')?.label).toBe(`${NOW + HOUR} Asia/Tokyo`);
    await pipeline.until(async () => (await schedules()).every(([, , next]) => next === NOW + 2 * HOUR));
  });

  test('a rule with a zone of its own is about everybody at once', async () => {
    await users(['a', null], ['b', 'Europe/Lisbon']);
    await version(1);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'REPORT', cron: '0 * * * *', zone: 'Asia/Tokyo' }];
    await run();
    await pipeline.until(async () => (await schedules()).length > 0);
    clock.now += HOUR;
    await pipeline.until(() => pipeline.turns.length === 2);
    expect(pipeline.turns.map(({ userId, label }) => [userId, label])).toEqual([
      ['a', `${NOW + HOUR} Asia/Tokyo`],
      ['b', `${NOW + HOUR} Asia/Tokyo`],
    ]);
  });

  test('of several missed occurrences the latest is taken, once', async () => {
    await users(['a', null]);
    await version(1);
    const rule = { name: 'R', cron: '0 * * * *', zone: 'UTC' };
    await syncSchedules(pool, TENANT, 1, [rule], hourly, NOW);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [rule];
    clock.now = NOW + 30 * DAY + 5;
    await run();
    await pipeline.until(() => pipeline.turns.length > 0);
    await pipeline.until(async () => (await schedules())[0]?.[2] === NOW + 30 * DAY + HOUR);
    expect(pipeline.turns).toEqual([{ userId: 'a', rule: 'R', due: NOW + 30 * DAY, label: `${NOW + 30 * DAY} UTC` }]);
  });

  test('what a crash left half done is finished from where it was saved', async () => {
    await users(['a', null], ['b', null], ['c', null]);
    await version(1);
    const rule = { name: 'R', cron: '0 * * * *', zone: 'UTC' };
    await syncSchedules(pool, TENANT, 1, [rule], hourly, NOW);
    const due = NOW + HOUR;
    const held = (await claimSchedule(pool, due, due + 60_000))!;
    await saveSchedule(pool, held, { nextAt: due, cursor: 'b', claimedUntil: due + 60_000 });
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [rule];
    // Two more were due meanwhile: the half-done one comes first, then the latest.
    clock.now = due + 2 * HOUR;
    await run();
    await pipeline.until(() => pipeline.turns.length === 4);
    expect(pipeline.turns.map(({ userId, due: at }) => [userId, at])).toEqual([
      ['c', due],
      ['a', due + 2 * HOUR],
      ['b', due + 2 * HOUR],
      ['c', due + 2 * HOUR],
    ]);
  });

  test('one whose turn fails is passed over', async () => {
    await users(['a', null], ['bad', null], ['c', null]);
    await version(1);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'R', cron: '0 * * * *', zone: 'UTC' }];
    pipeline.fails = (userId) => userId === 'bad';
    await run();
    await pipeline.until(async () => (await schedules()).length > 0);
    clock.now += HOUR;
    await pipeline.until(async () => (await schedules())[0]?.[2] === NOW + 2 * HOUR);
    expect(pipeline.turns.map(({ userId }) => userId)).toEqual(['a', 'c']);
  });

  test('several workers: everybody once', async () => {
    await users(...Array.from({ length: 2600 }, (_, n): [string, null] => [`u ${n}`, null]));
    await version(1);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'R', cron: '0 * * * *', zone: 'UTC' }];
    await Promise.all([run(), run(), run()]);
    await pipeline.until(async () => (await schedules()).length > 0);
    clock.now += HOUR;
    await pipeline.until(async () => (await schedules())[0]?.[2] === NOW + 2 * HOUR);
    expect(pipeline.turns).toHaveLength(2600);
    expect(new Set(pipeline.turns.map(({ userId }) => userId)).size).toBe(2600);
  });

  test('the latest missed occurrence, however long ago the first one', () => {
    let asked = 0;
    const counting = (...args: Parameters<typeof hourly>) => {
      asked++;
      return hourly(...args);
    };
    for (const [missed, now, latest] of [
      [NOW, NOW, NOW],
      [NOW, NOW + HOUR - 1, NOW],
      [NOW, NOW + HOUR, NOW + HOUR],
      [NOW, NOW + 50 * HOUR + 1, NOW + 50 * HOUR],
      [NOW - 100 * 365 * DAY, NOW, NOW],
    ] as const) {
      expect(latestMissed(counting, { cron: '0 * * * *', zone: 'UTC', nextAt: missed }, now)).toBe(latest);
    }
    expect(asked).toBeLessThan(100);
    const yearly = (_cron: string, _zone: string, after: Millis) =>
      Date.UTC(
        new Date(after + 1).getUTCFullYear() + (after + 1 > Date.UTC(new Date(after + 1).getUTCFullYear(), 0) ? 1 : 0),
        0,
      );
    const first = Date.UTC(2000, 0);
    expect(latestMissed(yearly, { cron: '', zone: 'UTC', nextAt: first }, NOW)).toBe(Date.UTC(2025, 0));
  });
});

describe('what became of notifications', () => {
  const told = (n: number) => ({
    tenantId: TENANT,
    userId: 'u',
    eventId: `notification.failed ${n}.email`,
    event: { event_id: `notification.failed ${n}.email`, event_type: 'notification.failed', user_id: 'u' },
  });

  test('is taken in as events, once it was announced, and then gone', async () => {
    const { pipeline, run } = setUp({ poll: 3_600_000 });
    await run();
    await enqueueOutbox(pool, [told(1), told(2)], NOW);
    await pipeline.until(async () => (await pool.query('select from outbox_events')).rowCount === 0);
    expect(pipeline.taken).toEqual([told(1).event, told(2).event]);
  });

  test('is written once, and taken in later when nobody has time', async () => {
    await enqueueOutbox(pool, [told(1)], NOW);
    await enqueueOutbox(pool, [told(1)], NOW + 1);
    const { pipeline, run, clock } = setUp();
    pipeline.busy = true;
    await run();
    await pipeline.until(() => pipeline.refused > 0);
    expect((await pool.query('select from outbox_events')).rowCount).toBe(1);
    pipeline.busy = false;
    clock.now += 60_001;
    await pipeline.until(async () => (await pool.query('select from outbox_events')).rowCount === 0);
    expect(pipeline.taken).toEqual([told(1).event]);
  });
});

describe('by command', () => {
  let app: App;
  beforeEach(async () => {
    await applyCatalog(pool, TENANT, catalog(rule('A', ['A_MAIL', 'A_TEXT'])), 'test', NOW);
    await applyCatalog(pool, TENANT, catalog(rule('A', ['A_MAIL']), rule('B', [])), 'test', NOW);
    app = Fastify().withTypeProvider<ZodTypeProvider>() as unknown as App;
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(() => JSON.stringify);
    registerErrorHandlers(app);
    authenticate(app, []);
    const parts = { pool, catalogs: new CatalogCache(pool), clock: () => NOW };
    waitRoutes(app, parts as unknown as Parameters<typeof waitRoutes>[1]);
  });
  const get = async (url: string) => (await app.inject({ url })).json();
  const post = async (url: string, payload: object) => (await app.inject({ method: 'POST', url, payload })).json();

  test('cancel: all waits of a rule end, with a decision for each type, and it is recorded', async () => {
    const mine = wait({ key: 'k' });
    await save(mine, wait({ userId: 'v' }), wait({ rule: 'B' }), wait({ status: 'fired', endedAt: NOW }));
    expect((await get('/api/v1/waits/rules')).rules).toEqual([
      { rule: 'A', users: 2, waits: 2 },
      { rule: 'B', users: 1, waits: 1 },
    ]);
    expect(await post('/api/v1/waits/cancel', { rule: 'A' })).toEqual({ rule: 'A', users: 2, waits: 2, next: null });
    const { waits } = await get('/api/v1/waits?status=cancelled&user_id=u');
    expect(waits).toHaveLength(1);
    expect(waits[0].ended_at).toBe(new Date(NOW).toISOString());
    expect(waits[0].decisions.map((one: Decision) => [one.decision_id, one.notification_type, one.outcome])).toEqual([
      [`${mine.waitId}.0`, 'A_MAIL', 'cancelled'],
      [`${mine.waitId}.1`, 'A_TEXT', 'cancelled'],
    ]);
    expect(waits[0].decisions[0]).toMatchObject({ reason_code: 'catalog_changed', evidence: { key: 'k' } });
    expect(await countWaiting(pool, TENANT)).toEqual([{ rule: 'B', users: 1, waits: 1 }]);
    const { rows } = await pool.query(`select actor, subject, detail from audit_log where action = 'waits.cancelled'`);
    expect(rows).toEqual([{ actor: 'api', subject: 'A', detail: { users: 2, waits: 2 } }]);
    expect(await post('/api/v1/waits/cancel', { rule: 'A' })).toMatchObject({ users: 0, waits: 0 });
  });

  test('migrate: they end by the version in force, at the time they were due', async () => {
    const [mine, gone] = [wait(), wait({ status: 'fired', endedAt: NOW })];
    await save(mine, gone);
    const answer = { rule: 'A', version: 2, users: 1, waits: 1, skipped: 0, next: null };
    expect(await post('/api/v1/waits/migrate', { rule: 'A' })).toEqual(answer);
    expect(await load(['u'])).toEqual([{ ...mine, catalogVersion: 2, stored: 'same' }]);
    expect((await rowOf(gone)).catalog_version).toBe(1);
    expect(await post('/api/v1/waits/migrate', { rule: 'A' })).toEqual({ ...answer, waits: 0 });
    await save(wait({ key: 'k', kind: 'digest' }));
    expect(await post('/api/v1/waits/migrate', { rule: 'A' })).toEqual({ ...answer, waits: 0, skipped: 1 });
    expect(await post('/api/v1/waits/migrate', { rule: 'C' })).toMatchObject({ status: 404, path: 'rule' });
  });

  test('many: call by call, and whoever decides about a person meanwhile comes first or after', async () => {
    await fill(5300, 5300);
    const first = await post('/api/v1/waits/cancel', { rule: 'A' });
    expect(first).toMatchObject({ users: 5000, waits: 5000 });
    const held = await withTransaction(pool, async (connection) => {
      await lockUsers(connection, TENANT, ['p 999']);
      const second = post('/api/v1/waits/cancel', { rule: 'A', after: first.next });
      const [mine] = await loadWaits(connection, { tenantId: TENANT, userIds: ['p 999'], needs: [] });
      await writeWaits(connection, TENANT, [{ wait: ended(mine as Wait), decisions: [] }], NOW);
      return { second };
    });
    expect(await held.second).toMatchObject({ waits: 299, next: null });
    expect(await countWaiting(pool, TENANT)).toEqual([]);
  });

  test('from the command line', async () => {
    await save(wait({ key: 'k' }), wait({ userId: 'v' }));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    vi.stubEnv('TIDINGS_URL', url);
    const said = vi.spyOn(console, 'log').mockImplementation(() => {});
    const complained = vi.spyOn(console, 'error').mockImplementation(() => {});
    const tidings = async (...args: string[]) => {
      said.mockClear();
      const program = new Command();
      addWaitsCommands(program);
      await program.parseAsync(args, { from: 'user' });
      return String(said.mock.calls[0]?.[0]);
    };
    try {
      expect(await tidings('waits', 'list', '--rule', 'A', '--user', 'u')).toMatch(
        /^2025-11-20T13:00:00.000Z {2}waiting {4}delay {5}A {2}u {2}\[k\] {2}\(version 1\)$/,
      );
      expect(await tidings('waits', 'migrate', 'A')).toBe('2 waits of 2 users migrated to catalog version 2.');
      expect(JSON.parse(await tidings('waits', 'cancel', 'A', '--json'))).toEqual({ rule: 'A', users: 2, waits: 2 });
      expect(await tidings('waits', 'list')).toBe('No waits found.');
      await tidings('waits', 'migrate', 'GONE');
      expect(complained.mock.calls[0]?.[0]).toContain('tidings: The active catalog (version 2) has no rule GONE');
      expect(process.exitCode).toBe(1);
    } finally {
      process.exitCode = 0;
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
      await app.close();
    }
  });

  test('a list over HTTP: by filter, page by page; what cannot be is said', async () => {
    await save(...Array.from({ length: 3 }, (_, n) => wait({ beganAt: NOW + n })));
    const first = await get('/api/v1/waits?limit=2&rule=A');
    expect(first.waits).toHaveLength(2);
    const second = await get(`/api/v1/waits?limit=2&before=${first.next}`);
    expect([second.waits.length, second.next]).toEqual([1, null]);
    expect(await get('/api/v1/waits?status=napping')).toMatchObject({ status: 400 });
    expect(await get('/api/v1/waits?before=nonsense')).toMatchObject({ status: 400, path: 'before' });
    expect(await post('/api/v1/waits/cancel', {})).toMatchObject({ status: 400, path: 'rule' });
  });
});

test('a bucket: one second at once, then the rate; a debt is paid first', () => {
  const bucket = new TokenBucket(10, 0);
  expect([bucket.level(0), bucket.wait(10, 0)]).toEqual([10, 0]);
  bucket.take(10, 0);
  expect([bucket.level(0), bucket.wait(1, 0), bucket.wait(5, 0)]).toEqual([0, 100, 500]);
  expect([bucket.level(250), bucket.level(1_000_000)]).toEqual([2, 10]);
  bucket.take(25, 1_000_000);
  expect([bucket.level(1_000_000), bucket.wait(1, 1_000_000)]).toEqual([0, 1600]);
  expect(bucket.wait(50, 1_002_500)).toBe(0);
  // A clock that goes back gives nothing.
  bucket.take(10, 1_002_500);
  expect(bucket.level(0)).toBe(0);
});

// ---------------------------------------------------------------------------------------------------------------------

const TRIGGER: WaitState['trigger'] = {
  key: '00000000-0000-8000-8000-00000000000e',
  eventId: 'e',
  type: 'began',
  time: NOW - HOUR,
  properties: { n: 1 },
  traits: {},
};

let made = 0;

function wait(values: Partial<Wait> = {}): Wait {
  return {
    waitId: keyOf(++made),
    userId: 'u',
    rule: 'A',
    key: '',
    kind: 'delay',
    catalogVersion: 1,
    beganAt: NOW - HOUR,
    status: 'waiting',
    dueAt: NOW + HOUR,
    triggerTime: NOW - HOUR,
    state: { trigger: TRIGGER },
    endedAt: null,
    stored: 'new',
    ...values,
  };
}

function ended(one: Wait): Wait {
  return { ...one, status: 'fired', endedAt: NOW, stored: 'changed' };
}

function decided({ waitId }: Wait): Decision {
  return {
    decision_id: `${waitId}.0`,
    rule: 'A',
    notification_type: 'A',
    outcome: 'send',
    reason_code: 'matched',
    reason: 'Sent.',
    notification_id: keyOf(1),
    event_ids: ['e'],
    evidence: {},
  };
}

function keyOf(n: number): string {
  return `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`;
}

function save(...waits: Wait[]): Promise<void> {
  const written = waits.map((one) => ({ wait: one, decisions: [] }));
  return writeWaits(pool, TENANT, written, NOW);
}

function load(userIds: string[], needs: Parameters<typeof loadWaits>[1]['needs'] = [], from: pg.Pool = pool) {
  return loadWaits(from, { tenantId: TENANT, userIds, needs });
}

function idsOf(waits: readonly Wait[]): string[] {
  return waits.map(({ waitId }) => waitId).sort();
}

async function rowOf({ waitId }: Wait) {
  return (await pool.query('select * from waits where wait_id = $1', [waitId])).rows[0];
}

/** Waits of rule A, a second apart from now on; of one person (`p 7`) unless said. */
async function fill(count: number, users = 1, shift: Millis = 0, connection: Connection = pool): Promise<void> {
  await connection.query(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
     select $1, case when $3 = 1 then 'p 7' else 'p ' || (n % $3) end, gen_random_uuid(), 'A', '', 'delay', 1, 'waiting', $4,
            $4::timestamptz + n * interval '1 second', $4, $5
     from generate_series(0, $2 - 1) as n`,
    [TENANT, count, users, new Date(NOW + shift), JSON.stringify({ trigger: TRIGGER })],
  );
}

async function event(
  userId: string,
  type: string,
  time: Millis,
  n: number,
  decisions: readonly object[] = [],
): Promise<void> {
  const text = JSON.stringify(decisions);
  await pool.query(
    `insert into events (tenant_id, user_id, event_time, key, event_type, event_id, received_at, properties, traits, catalog_version, has_trait_change, decisions)
     values ($1, $2, $3, $4, $5, $6, $3, $7, '{}', 1, $8, $9)`,
    [TENANT, userId, new Date(time), keyOf(n), type, `n${n}`, { n }, text.includes('"change":') || null, text],
  );
}

/** Loads the events of these look-ups into the states of the users, for rules of any kind. */
async function loadHistory(users: Facts['users'], ...history: FactsQuery['history']): Promise<void> {
  const none = compileCatalog(0, 0, EMPTY_CATALOG);
  const rules = { ...none.rules, hasTraitPatterns: true };
  const query = { tenantId: TENANT, userIds: [...users.keys()], events: [], history, limits: [] };
  const facts = { users, addressHashes: new Map(), hasWaits: false };
  const connection = await pool.connect();
  await loadConditionalFacts(connection, { ...none, rules }, query, facts, []);
  connection.release();
}

async function users(...all: [userId: string, zone: string | null][]): Promise<void> {
  await pool.query(
    `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at, zone)
     select $1, u, '{}', '{}', '{}', $4, $4, z from unnest($2::text[], $3::text[]) as p(u, z)`,
    [TENANT, all.map(([userId]) => userId), all.map(([, zone]) => zone), new Date(NOW)],
  );
}

async function version(n: number): Promise<void> {
  for (let i = 1; i <= n; i++) await applyCatalog(pool, TENANT, catalog(rule(`V${i}`, [])), 'test', NOW);
}

async function schedules(): Promise<[rule: string, zone: string, next: Millis][]> {
  const { rows } = await pool.query('select rule, zone, next_at from schedules order by rule, zone');
  return rows.map((row) => [row.rule, row.zone, row.next_at]);
}

/** A calendar of the simplest kind: every hour at the minute that the pattern begins with, wherever one lives. */
function hourly(cron: string, _zone: string, after: Millis): Millis {
  const minute = Number.parseInt(cron, 10) * 60_000;
  return Math.floor((after - minute) / HOUR) * HOUR + HOUR + minute;
}

function rule(name: string, notify: string[]): Rule {
  return {
    name,
    on: ['began'],
    zone: 'UTC',
    after: [],
    ifPast: 'skip',
    ifMissing: 'skip',
    recheck: true,
    cancelOn: [],
    again: 'beside',
    delay: { span: HOUR, text: '1h' },
    limits: [],
    notify,
    actions: [],
  };
}

function catalog(...rules: Rule[]): CatalogData {
  const types = [...new Set(rules.flatMap(({ notify }) => notify))];
  const notifications = types.map((name) => ({
    name,
    category: 'SYSTEM' as const,
    channels: ['internal' as const],
    inDoubt: 'resend' as const,
    maxAge: DAY,
  }));
  return { events: [{ name: 'began' }], notifications, rules, groups: [], templates: [] };
}

/** Does in the database what the pipeline does, without the rules; remembers, and can be made to fail. */
class FakePipeline implements TimedPipeline {
  readonly ended: string[] = [];
  readonly turns: { userId: string; rule: string; due: Millis; label: string }[] = [];
  readonly taken: unknown[] = [];
  rules: ScheduledRule[] = [];
  fails: (userId: string) => boolean = () => false;
  hold: Promise<void> = Promise.resolve();
  onHold: () => void = () => {};
  busy = false;
  refused = 0;
  readonly #clock: { now: Millis };
  #looked = 0;
  #listeners = new Set<() => void>();

  constructor(clock: { now: Millis }) {
    this.#clock = clock;
  }

  async fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number> {
    this.onHold();
    await this.hold;
    const ended = await withTransaction(pool, async (connection) => {
      await lockUsers(connection, tenantId, userIds);
      const waits = await loadWaits(connection, { tenantId, userIds, needs: [] });
      if (userIds.some(this.fails)) throw new Error('a bug');
      const now = this.#clock.now;
      const due = waits.filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt);
      for (const one of due) Object.assign(one, { status: 'fired', endedAt: now, stored: 'changed' });
      await writeWaits(
        connection,
        tenantId,
        due.map((one) => ({ wait: one, decisions: [decided(one)] })),
        now,
      );
      return due;
    });
    this.ended.push(...ended.map(({ userId }) => userId));
    this.#tell();
    return ended.length;
  }

  async listSchedules(tenantId: string) {
    const { rows } = await pool.query('select version from active_catalogs where tenant_id = $1', [tenantId]);
    return { version: rows[0]?.version ?? 0, rules: this.rules };
  }

  async runSchedule(
    turn: Parameters<TimedPipeline['runSchedule']>[0],
    userIds: readonly string[],
    store: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number> {
    await withTransaction(pool, async (connection) => {
      await store(connection);
      if (userIds.some(this.fails)) throw new Error('a bug');
    });
    const { rule: name, due, label } = turn;
    this.turns.push(...userIds.map((userId) => ({ userId, rule: name, due, label })));
    this.#tell();
    return userIds.length;
  }

  async ingest(_tenantId: string, items: readonly unknown[]) {
    if (this.busy) {
      this.refused++;
      this.#tell();
      throw new Error('overloaded');
    }
    this.taken.push(...items);
    this.#tell();
    return items.map(() => ({ status: 'accepted' }));
  }

  /** The worker looks at the clock in each round. */
  look(): Millis {
    this.#looked++;
    this.#tell();
    return this.#clock.now;
  }

  /** Until it has looked so many times more. */
  async looks(times: number): Promise<void> {
    const enough = this.#looked + times * 5;
    await this.until(() => this.#looked >= enough);
  }

  /** Asked again whenever something happens. */
  async until(done: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await done())) {
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const running = new Set<TimerWorker>();

function setUp(parts: Partial<TimerWorkerOptions> = {}) {
  const clock = { now: NOW };
  const pipeline = new FakePipeline(clock);
  const workers: TimerWorker[] = [];
  return {
    clock,
    pipeline,
    worker: () => workers[0] as TimerWorker,
    async run() {
      const worker = new TimerWorker({
        pool,
        databaseUrl: database.url,
        pipeline,
        calendar: { next: hourly, label: (time, zone) => `${time} ${zone}` },
        clock: () => pipeline.look(),
        elapsed: () => performance.now(),
        log: silent,
        rate: 100_000,
        poll: 20,
        ...parts,
      });
      workers.push(worker);
      running.add(worker);
      await worker.start();
    },
    stop: async () => {
      for (const worker of workers) await worker.stop();
    },
  };
}
