import { afterEach, describe, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { toLifecycleEvents } from '../src/delivery/lifecycle.ts';
import { toSettlement } from '../src/delivery/settlement.ts';
import { contentUuid } from '../src/events/content.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import type { Decision } from '../src/model/decision.ts';
import { CHANNELS } from '../src/model/delivery.ts';
import type { Millis } from '../src/model/event.ts';
import type { BacktestReport } from '../src/simulate/backtest.ts';
import { runBacktest } from '../src/simulate/run-backtest.ts';
import { unpackDecisions } from '../src/store/decisions.ts';
import { type ClaimedDelivery, claimDeliveries } from '../src/store/deliveries.ts';
import { lockUsers } from '../src/store/facts.ts';
import { rescueExpired } from '../src/store/leases.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { openPool, type Timeouts } from '../src/store/pg/pool.ts';
import { type Settlement, settleDeliveries } from '../src/store/settlements.ts';
import { formatLocalTimeKey, nextOccurrence } from '../src/time/calendar.ts';
import { cancelWaits, migrateWaits } from '../src/timers/wait-admin.ts';
import type { TimerWorker, TimerWorkerOptions } from '../src/timers/worker.ts';
import { silent, TENANT, type TestTidings, testTidings, timerWorker } from './support/tidings.ts';

/** The pipeline and its timers on a database, by a clock that the tests set. The worker alone is in waits.test.ts. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

describe('an hour of downtime', () => {
  test('is caught up with: the oldest first, at the pace that was set, and what has expired is not told', async () => {
    const tidings = await start('LATE: { on: began, delay: 10m, expires: 30m }');
    const { clock } = tidings;
    for (let n = 0; n < 60; n++) {
      await post(tidings, { user: user(n), type: 'began' });
      clock.now += MINUTE;
    }
    // Nobody has looked at the time since. The first was due 60 minutes ago, the last 1 minute ago.
    clock.now += 10 * MINUTE;
    const pace = { now: 0 };
    const worker = await timers(tidings, { rate: 10, elapsed: () => pace.now });
    for (let seconds = 1; seconds <= 6; seconds++) {
      const oldest = Array.from({ length: seconds * 10 }, (_, n) => user(n));
      await expect.poll(async () => (await fired(tidings)).map(({ user }) => user)).toEqual(oldest);
      expect(worker.behind).toBe(60 * MINUTE - (seconds - 1) * 10 * MINUTE);
      pace.now += 1000;
    }
    const ends = (await fired(tidings)).map(({ decisions }) => decisions.map(({ reason_code }) => reason_code));
    expect(ends).toEqual(Array.from({ length: 60 }, (_, n) => [n < 30 ? 'expired' : 'matched']));
    expect(await sentTo(tidings, 'LATE')).toEqual(Array.from({ length: 30 }, (_, n) => user(n + 30)));
  });
});

describe('several processes', () => {
  test('fire each timer once, though events cancel half of them at the same time', async () => {
    const tidings = await start('R: { on: began, delay: 1h, cancel_on: ended }');
    const { clock } = tidings;
    const all = Array.from({ length: 400 }, (_, n) => user(n));
    await post(tidings, ...all.map((user) => ({ user, type: 'began' })));
    clock.now += HOUR;
    const others = [await another(tidings), await another(tidings)];
    for (const other of others) await timers(other);
    const half = all.filter((_, n) => n % 2 === 0);
    const results = await post(tidings, ...half.map((user) => ({ user, type: 'ended' })));
    await expect.poll(() => openWaits(tidings)).toBe(0);

    const told = await sentTo(tidings, 'R');
    expect(new Set(told).size).toBe(told.length);
    const late = new Map(half.map((user, n) => [user, results[n]?.map(({ reason_code }) => reason_code)]));
    for (const user of all) {
      const said = late.get(user) ?? [];
      expect(said, user).toEqual(!late.has(user) ? [] : told.includes(user) ? ['too_late'] : ['cancelled_by_event']);
      if (!late.has(user)) expect(told).toContain(user);
    }
  });

  test('give everybody one turn of a recurring rule', async () => {
    const tidings = await start('R: { every: hour, for: true }');
    const all = Array.from({ length: 1200 }, (_, n) => user(n));
    await post(tidings, ...all.slice(0, 600).map((user) => ({ user, type: 'began' })));
    await post(tidings, ...all.slice(600).map((user) => ({ user, type: 'began' })));
    for (const other of [tidings, await another(tidings), await another(tidings)]) await timers(other);
    await expect.poll(() => count(tidings, 'schedules')).toBe(1);
    tidings.clock.now += HOUR;
    await expect.poll(async () => (await sentTo(tidings, 'R')).length).toBe(1200);
    await expect.poll(() => count(tidings, 'schedules', 'claimed_until is null and cursor is null')).toBe(1);
    expect(await sentTo(tidings, 'R')).toEqual(all);
  });
});

describe('a lock that is held for too long', () => {
  test('keeps a turn and a wait from nobody: they come when it is free', async () => {
    const tidings = await start(`WAITED: { on: began, delay: 1h }
  TURN: { every: hour, for: true }`);
    const { clock, database } = tidings;
    await post(tidings, { user: 'a', type: 'began' }, { user: 'b', type: 'began' });
    const other = await another(tidings, { lock: 100 });
    const refused: string[] = [];
    // Also of being late, which is no error.
    const warn = ({ err }: { err?: { code: string } }) => err && refused.push(err.code);
    const log = { ...silent, warn, info: () => {} };
    await timers(other, { log: log as unknown as typeof silent });
    await expect.poll(() => count(tidings, 'schedules')).toBe(1);

    const connection = await database.pool.connect();
    await connection.query('begin');
    await lockUsers(connection, TENANT, ['b']);
    clock.now += HOUR;
    // Once the turns, once the waits.
    await expect.poll(() => refused).toEqual(['55P03', '55P03']);
    expect(await notifications(tidings)).toEqual([]);
    await connection.query('rollback');
    connection.release();

    // Their claims run out.
    clock.now += MINUTE + 1;
    await expect.poll(() => sentTo(tidings, 'TURN')).toEqual(['a', 'b']);
    await expect.poll(() => sentTo(tidings, 'WAITED')).toEqual(['a', 'b']);
  });
});

describe('what waits', () => {
  test('does not keep what comes in: 10,000 wait, and events end their own', async () => {
    const tidings = await start('R: { on: began, delay: 1h, cancel_on: ended }');
    for (let from = 0; from < 10_000; from += 1000) {
      const users = Array.from({ length: 1000 }, (_, n) => user(from + n));
      await post(tidings, ...users.map((user) => ({ user, type: 'began' })));
    }
    const worker = await timers(tidings, { rate: 100_000 });
    const some = Array.from({ length: 1000 }, (_, n) => user(n * 10));
    const results = await post(tidings, ...some.map((user) => ({ user, type: 'ended' })));
    expect(results.every(([one, ...more]) => one?.reason_code === 'cancelled_by_event' && more.length === 0)).toBe(
      true,
    );
    expect(await openWaits(tidings)).toBe(9000);
    tidings.clock.now += HOUR;
    await expect.poll(() => openWaits(tidings)).toBe(0);
    expect(await count(tidings, 'notifications')).toBe(9000);
    expect(worker.behind).toBe(0);
  });

  test('keeps the catalog it began with, though the rule changes and goes', async () => {
    const tidings = await start('R: { on: began, delay: 1h, notify: A }');
    const { clock } = tidings;
    await post(tidings, { user: 'first', type: 'began' });
    await apply(tidings, 'R: { on: began, delay: 2h, notify: B }');
    await post(tidings, { user: 'second', type: 'began' });
    await apply(tidings, 'OTHER: { on: ended }');
    await post(tidings, { user: 'third', type: 'began' });
    // By a process that has seen none of it.
    await timers(await another(tidings));
    clock.now += HOUR;
    await expect.poll(() => openWaits(tidings)).toBe(1);
    clock.now += HOUR;
    await expect.poll(() => openWaits(tidings)).toBe(0);
    expect(await notifications(tidings)).toEqual([
      { user: 'first', type: 'A', version: 1 },
      { user: 'second', type: 'B', version: 2 },
    ]);
  });

  test('ends by the catalog in force, or not at all, when somebody says so', async () => {
    const tidings = await start('R: { on: began, delay: 1h, notify: A }\n  S: { on: began, delay: 1h }');
    const { clock, catalogs, database } = tidings;
    await post(tidings, { user: 'u', type: 'began' });
    await apply(tidings, 'R: { on: began, delay: 2h, notify: B }');
    const command = { pool: database.pool, catalogs, tenantId: TENANT, actor: 'test', now: clock.now };
    expect(await migrateWaits({ ...command, rule: 'R' }, '')).toMatchObject({ waits: 1, version: 2, next: null });
    expect(await cancelWaits({ ...command, rule: 'S' }, '')).toMatchObject({ waits: 1, next: null });
    await timers(tidings);
    clock.now += HOUR;
    await expect.poll(() => openWaits(tidings)).toBe(0);
    expect(await notifications(tidings)).toEqual([{ user: 'u', type: 'B', version: 2 }]);
  });

  test('of another kind than its rule makes now it is left to the version it began with, and nothing fails', async () => {
    const tidings = await start('R: { on: began, digest: { window: 1h }, cancel_on: ended, notify: A }');
    const { clock, catalogs, database } = tidings;
    await post(tidings, { user: 'u', type: 'began', ago: 1000 }, { user: 'u', type: 'began' });
    await apply(tidings, 'R: { on: began, delay: 1h, cancel_on: ended, notify: B }');
    const command = { pool: database.pool, catalogs, tenantId: TENANT, actor: 'test', now: clock.now, rule: 'R' };
    expect(await migrateWaits(command, '')).toMatchObject({ waits: 0, skipped: 1, next: null });
    // As a version before this one left it.
    await database.pool.query('update waits set catalog_version = 2');
    const [decisions] = await post(tidings, { user: 'u', type: 'ended', ago: 1000 });
    expect(decisions).toMatchObject([{ rule: 'R', reason_code: 'cancelled_by_event' }]);
    expect(await openWaits(tidings)).toBe(1);
  });

  test('what a digest has gathered is told, though the rule that restarts by now has the same name', async () => {
    const tidings = await start('R: { on: began, digest: { window: 1h }, notify: A }');
    const { clock } = tidings;
    await post(tidings, { user: 'u', type: 'began' });
    await apply(tidings, 'R: { on: began, delay: 1h, again: restart, notify: B }');
    clock.now += MINUTE;
    await post(tidings, { user: 'u', type: 'began' });
    await timers(tidings);
    clock.now += HOUR;
    await expect.poll(() => openWaits(tidings)).toBe(0);
    expect((await notifications(tidings)).map(({ type }) => type).sort()).toEqual(['A', 'B']);
  });

  test('commits with all that comes of its end, or not at all', async () => {
    const tidings = await start(`R:
    on: began
    delay: 1h
    do: [{ set: { level: '"gold"' } }, { emit: reached, with: { n: event.n } }]
  ON_LEVEL: { on: { trait: level, to: gold } }
  ON_REACHED: { on: reached, when: event.n == 7 }`);
    const { clock, database, pipeline } = tidings;
    const { pool } = database;
    await post(tidings, { user: 'u', type: 'began', properties: { n: 7 } });
    clock.now += HOUR;
    await pool.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$`);
    await pool.query('create trigger refuse before insert on deliveries for each row execute function refuse()');
    await expect(pipeline.fireDueWaits(TENANT, ['u'])).rejects.toThrow('not now');
    const state = async () => ({
      waits: await openWaits(tidings),
      events: await count(tidings, 'events'),
      notifications: await notifications(tidings),
      level: (await pool.query('select traits from users')).rows[0]?.traits.level,
    });
    expect(await state()).toEqual({ waits: 1, events: 1, notifications: [], level: undefined });
    await pool.query('drop trigger refuse on deliveries');
    await timers(tidings);
    await expect.poll(() => openWaits(tidings)).toBe(0);
    const told = ['ON_LEVEL', 'ON_REACHED', 'R'].map((type) => ({ user: 'u', type, version: 1 }));
    expect(await state()).toEqual({ waits: 0, events: 3, notifications: told, level: 'gold' });
    const { rows } = await pool.query(
      `select event_type as type, context, (extract(epoch from event_time) * 1000)::float8 as at from events
       where event_type <> 'began' order by 1`,
    );
    const { event_id } = (await pool.query(`select event_id from events where event_type = 'began'`)).rows[0];
    const context = { emitted_by: 'R', causation_id: event_id };
    expect(rows).toEqual(['profile.updated', 'reached'].map((type) => ({ type, context, at: clock.now })));
    // Again: nothing is left to be done.
    expect(await pipeline.fireDueWaits(TENANT, ['u'])).toBe(0);
    expect(await count(tidings, 'events')).toBe(3);
  });

  test('what it makes fits the schemas of the catalog it began with, or is named and left out', async () => {
    const doing =
      'do: [{ emit: reached, with: { n: event.n * 1.5 } }, { set: { rank: event.n * 0.5 } }, { emit: ended }]';
    const tidings = await start(`R: { on: began, ${doing} }\n  LATER: { on: began, delay: 1h, ${doing} }`);
    const { clock, database } = tidings;
    const since = clock.now;
    const made = async () => {
      const { rows } = await database.pool.query('select event_type as type from events order by received_at, 1');
      return rows.map(({ type }) => type);
    };
    const failed = (rule: string) =>
      [
        `Failed: ${rule} could not emit reached: properties.n is the number 10.5, but must be an integer.`,
        `Failed: ${rule} could not emit profile.updated: user_traits.rank is the number 3.5, but must be an integer.`,
      ].map((reason) => ({ rule, notification_type: rule, outcome: 'failed', reason_code: 'action_failed', reason }));
    const [decisions] = await post(tidings, { user: 'u', type: 'began', properties: { n: 7 } });
    expect(decisions).toMatchObject([{ rule: 'R', outcome: 'send' }, ...failed('R'), { rule: 'LATER' }]);
    const key = contentUuid(`id\nu began ${since} 0`);
    expect(decisions?.map(({ decision_id }) => decision_id)).toEqual([0, 1, 2, 3].map((place) => `${key}.${place}`));
    for (const { event_ids } of decisions ?? []) expect(event_ids).toEqual([`u began ${since} 0`]);
    expect(await made()).toEqual(['began', 'ended']);

    // What is in force by then is not what it began with.
    await tidings.apply(new Map([...catalog('NEW: { on: reached }'), ['events.yaml', 'events: { reached: {} }']]));
    clock.now += HOUR;
    expect(await tidings.pipeline.fireDueWaits(TENANT, ['u'])).toBe(1);
    const [end] = await fired(tidings);
    expect(end?.decisions).toMatchObject([{ rule: 'LATER', outcome: 'send' }, ...failed('LATER')]);
    expect(await made()).toEqual(['began', 'ended', 'ended']);
    expect(await reproduced(tidings, since)).toEqual({ decisions: 7, different: 0, examples: [] });
  });
});

describe('an event that a rule makes has an id of the rule and its trigger', () => {
  const made = async ({ database }: TestTidings) => {
    const { rows } = await database.pool.query(
      `select event_id as id from events where event_type = 'reached' order by received_at`,
    );
    return rows.map(({ id }) => id);
  };
  const idOf = (event_id: string) => `R.0:${contentUuid(`id\n${event_id}`)}`;
  const rule = (rest: string) => `R: { on: began, ${rest}, do: { emit: reached } }\n  ON_REACHED: { on: reached }`;

  test.each([
    ['when its pattern is complete, whichever part came last', 'after: { event: ended, within: 1h }'],
    ['when its time was over at once', 'delay: 10m'],
    ['when its time has come', 'delay: 30m'],
  ])('%s', async (_, rest) => {
    const tidings = await start(rule(rest));
    const { clock } = tidings;
    await post(tidings, { user: 'u', type: 'began', ago: 20 * MINUTE });
    const id = idOf(`u began ${clock.now} 0`);
    await post(tidings, { user: 'u', type: 'ended', ago: 20 * MINUTE });
    clock.now += HOUR;
    await tidings.pipeline.fireDueWaits(TENANT, ['u']);
    expect(await made(tidings)).toEqual([id]);
  });

  test.each([
    ['posted before', false],
    ['posted with it', true],
  ])('what has that id already, %s, stays, and nothing fails', async (_, together) => {
    const tidings = await start(rule('limit: 5 ever').replace('began', '[began, ended]'));
    const { clock, pipeline } = tidings;
    const since = clock.now;
    await post(tidings, { user: 'u', type: 'ended' });
    const began = `u began ${clock.now + MINUTE} 0`;
    const envelope = { user_id: 'u', event_timestamp: new Date(clock.now).toISOString() };
    const taken = { ...envelope, event_id: idOf(began), event_type: 'reached', properties: { n: 1 } };
    if (!together) await pipeline.ingest(TENANT, [taken]);
    clock.now += MINUTE;
    const results = await pipeline.ingest(TENANT, [
      { ...envelope, event_id: began, event_type: 'began' },
      ...(together ? [taken] : []),
    ]);
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 'accepted'));
    expect(results[0]?.decisions).toMatchObject([{ rule: 'R', outcome: 'send' }]);
    expect((await made(tidings)).filter((id) => id === idOf(began))).toHaveLength(1);
    expect(await sentTo(tidings, 'ON_REACHED')).toEqual(['u', 'u']);
    expect(await reproduced(tidings, since)).toMatchObject({ different: 0 });
  });
});

describe('local time', () => {
  test('a zone has one name, however people spell it: no flood of spellings keeps others from their turns', async () => {
    const tidings = await start('R: { every: day 18:00, zone: user, for: true }');
    const spelt = ['Europe/Lisbon', 'EUROPE/LISBON', 'europe/lisbon', 'utc', 'nowhere'];
    for (const [n, time_zone] of spelt.entries())
      await post(tidings, { user: user(n), type: 'began', traits: { time_zone } });
    const { rows } = await tidings.database.pool.query('select zone from users order by user_id');
    const [lisbon] = rows;
    expect(lisbon.zone).toMatch(/^[A-Z][a-z]+\/[A-Z][a-z]+$/);
    expect(rows).toEqual([lisbon, lisbon, lisbon, { zone: 'UTC' }, { zone: 'UTC' }]);
  });

  test('somebody who moves hears of each local day once', async () => {
    const tidings = await start('R: { every: day 18:00, zone: user, for: true }');
    const { clock } = tidings;
    clock.now = Date.parse('2025-11-20T12:00:00Z');
    const zone = async (time_zone: string) => post(tidings, { user: 'u', type: 'began', traits: { time_zone } });
    const pace = { now: 0 };
    await timers(tidings, { elapsed: () => pace.now });
    const told = async () => (await fired(tidings)).map(({ due }) => new Date(due).toISOString().slice(0, 16));
    /** Everything that is due by then has been seen to. */
    const at = async (time: string) => {
      clock.now = Date.parse(time);
      await expect
        .poll(() => count(tidings, 'schedules', `next_at > '${time}' and claimed_until is null`))
        .toBe(await count(tidings, 'schedules'));
    };
    const zones = async () =>
      (await tidings.database.pool.query('select zone from schedules order by 1')).rows.map((row) => row.zone);
    /** Those who live somewhere else are looked for every minute. */
    const moved = async (to: string) => {
      await zone(to);
      pace.now += MINUTE;
      await expect.poll(zones).toEqual([to, 'UTC'].sort());
    };
    await moved('Europe/Lisbon');
    await at('2025-11-20T18:00:00Z');
    expect(await told()).toEqual(['2025-11-20T18:00']);
    await moved('America/New_York');
    // 18:00 of the same day, which has been.
    await at('2025-11-20T23:00:01Z');
    expect(await told()).toEqual(['2025-11-20T18:00']);
    await at('2025-11-21T23:00:01Z');
    expect(await told()).toEqual(['2025-11-20T18:00', '2025-11-21T23:00']);
    // Eastward the day is shorter: the next local evening comes sooner.
    await moved('Asia/Tokyo');
    await at('2025-11-22T09:00:01Z');
    expect(await told()).toEqual(['2025-11-20T18:00', '2025-11-21T23:00', '2025-11-22T09:00']);
  });

  test('however many turns ago it was', async () => {
    const tidings = await start('R: { every: cron * * * * *, zone: user, for: true }');
    const { clock, pipeline } = tidings;
    await post(tidings, { user: 'u', type: 'began' });
    const turn = (label: string) => {
      clock.now += MINUTE;
      return pipeline.runSchedule({ tenantId: TENANT, rule: 'R', due: clock.now, label }, ['u'], async () => {});
    };
    const minutes = Array.from({ length: 60 }, (_, n) => `2025-11-20T18:${String(n).padStart(2, '0')}`);
    for (const label of minutes) expect(await turn(label)).toBe(1);
    // An hour west.
    for (const label of minutes) expect(await turn(label)).toBe(0);
    expect(await turn('2025-11-20T19:00')).toBe(1);
    expect(await count(tidings, 'notifications')).toBe(61);
  });

  test('a daily 02:30 comes once each day, over two clock changes in three zones', async () => {
    const changes = [
      // 02:30 is left out and comes as 03:30; 02:30 comes twice, and counts the first time.
      ['Europe/Berlin', '2025-03-30', '2025-03-30T01:30Z', '2025-10-26', '2025-10-26T00:30Z'],
      // Here 01:30 is what comes twice.
      ['America/New_York', '2025-03-09', '2025-03-09T07:30Z', '2025-11-02', '2025-11-02T07:30Z'],
      // The other way round: autumn comes first.
      ['Australia/Sydney', '2025-10-05', '2025-10-04T16:30Z', '2025-04-06', '2025-04-05T15:30Z'],
    ] as const;
    const tidings = await start('R: { every: day 02:30, zone: user, for: true }');
    const { clock, pipeline } = tidings;
    await post(tidings, ...changes.map(([zone]) => ({ user: zone, type: 'began', traits: { time_zone: zone } })));
    for (const [zone, spring, springAt, autumn, autumnAt] of changes) {
      for (const [day, at] of [
        [spring, springAt],
        [autumn, autumnAt],
      ] as const) {
        const noon = Date.parse(`${day}T12:00Z`);
        const due: Millis[] = [];
        const end = noon + 3 * DAY;
        for (let next = noon - 4 * DAY; ; ) {
          next = nextOccurrence('30 2 * * *', zone, next) ?? end;
          if (next >= end) break;
          clock.now = next;
          const turn = { tenantId: TENANT, rule: 'R', due: next, label: formatLocalTimeKey(next, zone) };
          expect(await pipeline.runSchedule(turn, [zone], async () => {}), `${zone} ${turn.label}`).toBe(1);
          due.push(next);
        }
        const days = due.map((time) => formatLocalTimeKey(time, zone).slice(0, 10));
        const around = [-3, -2, -1, 0, 1, 2, 3].map((n) => new Date(noon + n * DAY).toISOString().slice(0, 10));
        expect(new Set(days).size, zone).toBe(days.length);
        expect(around.filter((one) => !days.includes(one)).slice(0, -1), zone).toEqual([]);
        expect(due).toContain(Date.parse(at));
      }
    }
  });
});

describe('what becomes known late', () => {
  test('an absence and what a rule makes of its request: not told when that breaks it, and a backtest decides the same', async () => {
    const tidings = await start(`R: { on: began, unless: { event: reached, within: 1h } }
  MAKER: { on: ended, delay: 10m, notify: none, do: { emit: reached } }`);
    const { clock } = tidings;
    const since = clock.now;
    clock.now += 1;
    const late = (user: string, type: string, minutes: number) => ({ user, type, ago: 5 * HOUR - minutes * MINUTE });
    const decided = await post(
      tidings,
      ...[late('u', 'began', 0), late('u', 'ended', 50), late('v', 'began', 0), late('v', 'ended', 51)],
    );
    const codes = decided.map((all) => all.map(({ rule, reason_code }) => `${rule} ${reason_code}`));
    expect(codes).toEqual([['R waiting'], ['MAKER acted'], ['R waiting'], ['MAKER acted']]);
    await timers(tidings);
    await expect.poll(() => openWaits(tidings)).toBe(0);
    expect(await sentTo(tidings, 'R')).toEqual(['v']);
    // Both are over when somebody looks: of those the first makes what ends the second.
    clock.now += HOUR;
    await post(tidings, { user: 'w', type: 'began' }, { user: 'w', type: 'ended' });
    clock.now += 2 * HOUR;
    await expect.poll(() => openWaits(tidings)).toBe(0);
    expect(await sentTo(tidings, 'R')).toEqual(['v']);
    expect(await reproduced(tidings, since)).toMatchObject({ different: 0 });
  });

  test('an absence and what breaks it, in one request: it is not told, and a backtest decides the same', async () => {
    const tidings = await start(`R: { on: began, unless: { event: ended, within: 1h } }
  S: { on: began, delay: 1h, cancel_on: ended }
  T: { on: began, unless: { event: ended, within: 1h, at_least: 2 } }
  U: { on: reached, delay: 1h, again: restart, when: 'user.level != "low"', recheck: false }
  V: { on: began, digest: { window: 1h, first: now }, cancel_on: ended }`);
    const { clock } = tidings;
    const since = clock.now;
    clock.now += 1;
    const late = (user: string, type: string, minutes: number, level = 'high') => {
      return { user, type, ago: 5 * HOUR - minutes * MINUTE, traits: { level } };
    };
    const decided = await post(
      tidings,
      late('u', 'ended', 60),
      late('v', 'reached', 30, 'low'),
      late('u', 'began', 0),
      late('u', 'reached', 0),
      late('u', 'reached', 30),
      late('v', 'began', 0),
      late('v', 'reached', 0),
      late('v', 'ended', 61),
    );
    const codes = decided.map((all) => all.map(({ rule, reason_code }) => `${rule} ${reason_code}`));
    expect(codes).toEqual([
      [],
      ['U condition_false'],
      ['R unless_event_occurred', 'S cancelled_by_event', 'T matched', 'V cancelled_by_event'],
      ['U superseded'],
      ['U matched'],
      ['R matched', 'S matched', 'T matched', 'V matched'],
      ['U matched'],
      [],
    ]);
    const [began, ended] = [`u began ${clock.now} 2`, `u ended ${clock.now} 0`];
    expect(decided[2]?.[0]).toMatchObject({ outcome: 'not_matched', event_ids: [began, ended] });
    expect(decided[2]?.[0]?.reason).toContain('ended happened');
    expect(await reproduced(tidings, since)).toMatchObject({ decisions: 12, different: 0 });
  });

  test('a part of the pattern of a trait that changed: judged when the last one comes, once', async () => {
    const tidings = await start(`R: { on: { trait: level, to: gold }, after: { event: began, within: 1h } }
  S: { on: [{ trait: level }, ended], count: { at_least: 2, of: began, within: 1h }, delay: 2h }
  T: { on: { trait: level, to: gold }, after: [{ event: reached, within: 1h }, { event: began, within: 1h }] }`);
    const { clock } = tidings;
    const base = clock.now;
    const moments: Millis[] = [];
    /** Hours later, of so many minutes after the change. */
    const tell = async (type: string, minutes: number, level?: string) => {
      clock.now += 3 * HOUR;
      moments.push(clock.now);
      const ago = clock.now - base - minutes * MINUTE;
      const [decisions = []] = await post(tidings, { user: 'u', type, ago, traits: level ? { level } : {} });
      return decisions;
    };
    const codes = (decisions: readonly Decision[]) =>
      decisions.map(({ rule, reason_code, evidence }) => `${rule} ${reason_code} ${evidence.change?.to ?? ''}`);

    await tell('reached', -600, 'low');
    // S has it as an event.
    expect(codes(await tell('ended', 0, 'gold'))).toEqual([
      'S count_not_met ',
      'R pattern_incomplete gold',
      'T pattern_incomplete gold',
    ]);
    expect(codes(await tell('reached', 30, 'low'))).toEqual(['S count_not_met low']);
    expect(await tell('began', -61)).toEqual([]);
    const [completed, ...others] = await tell('began', -1);
    expect(others).toEqual([]);
    expect(completed).toMatchObject({
      rule: 'R',
      reason_code: 'matched',
      event_ids: [expect.stringContaining('ended'), expect.stringContaining('began')],
      evidence: { change: { trait: 'level', from: 'low', to: 'gold' }, pattern: { steps: [{ event: 'began' }] } },
    });
    expect(codes(await tell('began', -2))).toEqual(['S matched ', 'S matched low']);
    expect(codes(await tell('reached', -3))).toEqual(['T matched gold']);
    expect(await tell('reached', -4)).toEqual([]);
    expect(await tell('began', -3)).toEqual([]);
    expect((await notifications(tidings)).map(({ type }) => type)).toEqual(['R', 'S', 'S', 'T']);
    for (const moment of moments) expect(await reproduced(tidings, moment)).toMatchObject({ different: 0 });
  });
});

test('what became of a notification is told by the worker that holds it, once', async () => {
  const tidings = await start('R: { on: began }\n  AFTER: { on: { notification: R, is: [delivered, failed] } }');
  const { clock, catalogs, database } = tidings;
  const { pool } = database;
  const provider = sandboxProvider(CHANNELS);
  await post(tidings, { user: 'u', type: 'began' });
  const claim = async (name: string) => {
    const [delivery] = await claimDeliveries(pool, name, [{ channel: 'in_app', count: 1 }], clock.now, 1000);
    if (!delivery) throw new Error('there is nothing to claim');
    return delivery;
  };
  const record = async (name: string, delivery: ClaimedDelivery, settlement: Settlement) =>
    settleDeliveries(
      pool,
      name,
      [settlement],
      clock.now,
      await toLifecycleEvents(catalogs, [{ delivery, settlement }]),
    );
  const settle = async (name: string, delivery: ClaimedDelivery) => {
    const message = { text: 'R' };
    const dispatched = { provider, outcome: { kind: 'delivered' as const }, message };
    const settlement = toSettlement(delivery, dispatched, clock.now, clock.now + 5, 0.5);
    await record(name, delivery, settlement);
    return settlement;
  };
  const ghost = await claim('ghost');
  await pool.query("update leases set lease_until = clock_timestamp() - interval '1 s'");
  await rescueExpired(pool, clock.now);
  clock.now += HOUR;
  const other = await claim('other');
  await settle('ghost', ghost);
  expect(await count(tidings, 'outbox_events')).toBe(0);
  // The answer to the first time got lost.
  const settlement = await settle('other', other);
  clock.now += 1;
  await record('other', other, settlement);
  expect(await count(tidings, 'outbox_events')).toBe(1);
  await timers(tidings);
  await expect.poll(() => sentTo(tidings, 'AFTER')).toEqual(['u']);
  await expect.poll(() => count(tidings, 'outbox_events')).toBe(0);
  // Told once more, after it was taken in: the same event again.
  await record('other', other, settlement);
  await expect.poll(() => count(tidings, 'outbox_events')).toBe(0);
  expect(await sentTo(tidings, 'AFTER')).toEqual(['u']);
  expect(await count(tidings, 'rejected_events')).toBe(0);
});

// ---------------------------------------------------------------------------------------------------------------------

function user(n: number): string {
  return `p ${String(n).padStart(5, '0')}`;
}

/** Notification types are those that rules name, and rules. */
function catalog(rules: string): Map<string, string> {
  const names = new Set(
    [...rules.matchAll(/^ *([A-Z_]+):/gm), ...rules.matchAll(/notify: ([A-Z]+)/g)].map((m) => m[1]),
  );
  const types = [...names].map((name) => `  ${name}: { category: SYSTEM, channels: [in_app] }`);
  return new Map([
    [
      'events.yaml',
      'events: { began: { properties: { n: integer } }, ended: {}, reached: { properties: { n: integer } } }\ntraits: { level: string, rank: integer, time_zone: string }\n',
    ],
    ['notifications.yaml', `notifications:\n${types.join('\n')}\n`],
    ['rules.yaml', `rules:\n  ${rules}\n`],
    ...[...names].map((name): [string, string] => [`templates/${name}/in_app.en.txt`, String(name)]),
  ]);
}

async function start(rules: string): Promise<TestTidings> {
  const tidings = await testTidings({ in_app: sandboxProvider(['in_app']) }, catalog(rules));
  cleanup.push(() => tidings.close());
  return tidings;
}

async function apply(tidings: TestTidings, rules: string): Promise<void> {
  await tidings.apply(catalog(rules));
}

/** Another process: it shares the database and the clock, and nothing else. */
async function another({ database, seal, clock }: TestTidings, patience: Partial<Timeouts> = {}) {
  const pool = openPool(database.url, { max: 5, name: 'another', timeouts: patience });
  cleanup.push(() => pool.end());
  const catalogs = new CatalogCache(pool);
  const pipeline = new Pipeline({
    pool,
    catalogs,
    partitions: new Partitions(pool),
    seal,
    clock: () => clock.now,
    log: silent,
  });
  return { database: { ...database, pool }, pipeline, clock };
}

async function timers(
  tidings: Pick<TestTidings, 'database' | 'pipeline' | 'clock'>,
  parts: Partial<TimerWorkerOptions> = {},
): Promise<TimerWorker> {
  const worker = timerWorker(tidings, parts);
  await worker.start();
  cleanup.push(() => worker.stop());
  return worker;
}

interface Posted {
  readonly user: string;
  readonly type: string;
  /** How long ago it happened. */
  readonly ago?: Millis;
  readonly properties?: { readonly [name: string]: unknown };
  readonly traits?: { readonly [name: string]: unknown };
}

/** Events of now, if they do not say when. Returns what was decided on each. */
async function post({ pipeline, clock }: TestTidings, ...events: Posted[]): Promise<(readonly Decision[])[]> {
  const items = events.map(({ user, type, ago = 0, properties = {}, traits = {} }, n) => ({
    event_id: `${user} ${type} ${clock.now} ${n}`,
    user_id: user,
    event_type: type,
    event_timestamp: new Date(clock.now - ago).toISOString(),
    properties,
    user_traits: traits,
  }));
  const results = await pipeline.ingest(TENANT, items);
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
  return results.map(({ decisions }) => decisions);
}

/** What a backtest of the past against itself says. */
async function reproduced({ database, clock }: TestTidings, since: Millis): Promise<BacktestReport['reproduced']> {
  const plan = { tenantId: TENANT, candidate: null, since, until: clock.now + 1 };
  return (await runBacktest(database.pool, plan)).reproduced;
}

/** Waits that have fired, in order of due time. */
async function fired({ database }: TestTidings): Promise<{ user: string; due: Millis; decisions: Decision[] }[]> {
  const { rows } = await database.pool.query(
    `select user_id, wait_id, due_at, decisions from waits where status = 'fired' order by due_at, user_id`,
  );
  return rows.map((row) => ({
    user: row.user_id,
    due: row.due_at,
    decisions: unpackDecisions(row.decisions, row.wait_id, ''),
  }));
}

async function notifications({ database }: TestTidings): Promise<{ user: string; type: string; version: number }[]> {
  const { rows } = await database.pool.query(
    'select user_id as user, notification_type as type, catalog_version as version from notifications order by 1, 2',
  );
  return rows;
}

async function sentTo(tidings: TestTidings, type: string): Promise<string[]> {
  return (await notifications(tidings)).filter((one) => one.type === type).map(({ user }) => user);
}

function openWaits(tidings: TestTidings): Promise<number> {
  return count(tidings, 'waits', `status = 'waiting'`);
}

async function count({ database }: TestTidings, table: string, where = 'true'): Promise<number> {
  const { rows } = await database.pool.query(`select count(*) as n from ${table} where ${where}`);
  return rows[0]?.n;
}
