import { describe, expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import { catalogWith, HOUR, MINUTE, userId, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

describe('pending waits', () => {
  test('do not slow down ingestion: with 10,000 of them, events cancel their own', async () => {
    const tidings = await start('R: { on: began, delay: 1h, cancel_on: ended }');
    for (let from = 0; from < 10_000; from += 1000) {
      const users = Array.from({ length: 1000 }, (_, n) => userId(from + n));
      await tidings.post(...users.map((user) => ({ user, type: 'began' })));
    }
    const worker = await tidings.timers({ rate: 100_000 });
    const some = Array.from({ length: 1000 }, (_, n) => userId(n * 10));
    const results = await tidings.post(...some.map((user) => ({ user, type: 'ended' })));
    expect(results.every(([one, ...more]) => one?.reason_code === 'cancelled_by_event' && more.length === 0)).toBe(
      true,
    );
    expect(await tidings.countOpenWaits()).toBe(9000);
    tidings.clock.now += HOUR;
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect(await tidings.count('notifications')).toBe(9000);
    expect(worker.behind).toBe(0);
  });

  test('fire by the catalog version they started with, after the rule was changed and removed', async () => {
    const tidings = await start('R: { on: began, delay: 1h, notify: A }');
    const { clock } = tidings;
    await tidings.post({ user: 'first', type: 'began' });
    await tidings.applyRules('R: { on: began, delay: 2h, notify: B }');
    await tidings.post({ user: 'second', type: 'began' });
    await tidings.applyRules('OTHER: { on: ended }');
    await tidings.post({ user: 'third', type: 'began' });
    // Fired by a process that has seen nothing of this.
    await tidings.startProcess().timers();
    clock.now += HOUR;
    await expect.poll(() => tidings.countOpenWaits()).toBe(1);
    clock.now += HOUR;
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect(await tidings.notifications()).toEqual([
      { user: 'first', type: 'A', version: 1 },
      { user: 'second', type: 'B', version: 2 },
    ]);
  });

  test('fire by the active catalog after a migration, and not at all after a cancellation', async () => {
    const tidings = await start('R: { on: began, delay: 1h, notify: A }\n  S: { on: began, delay: 1h }');
    const { clock } = tidings;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.applyRules('R: { on: began, delay: 2h, notify: B }');
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 1 });
    expect(await tidings.runWaitJob('waits.cancel', 'S')).toMatchObject({ status: 'done', done: 1 });
    await tidings.timers();
    clock.now += 2 * HOUR;
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect(await tidings.notifications()).toEqual([{ user: 'u', type: 'B', version: 2 }]);
  });

  test('stay with their version if the rule now starts waits of another kind', async () => {
    const tidings = await start('R: { on: began, digest: { window: 1h }, cancel_on: ended, notify: A }');
    await tidings.post({ user: 'u', type: 'began', ago: 1000 }, { user: 'u', type: 'began' });
    await tidings.applyRules('R: { on: began, delay: 1h, cancel_on: ended, notify: B }');
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ done: 0, skipped: 1 });
    // As an earlier release left it.
    await tidings.rows('update waits set catalog_version = 2');
    const [decisions] = await tidings.post({ user: 'u', type: 'ended', ago: 1000 });
    expect(decisions).toMatchObject([{ rule: 'R', reason_code: 'cancelled_by_event' }]);
    expect(await tidings.countOpenWaits()).toBe(1);
  });

  test('of a digest fire with what they collected, after the rule became one that restarts', async () => {
    const tidings = await start('R: { on: began, digest: { window: 1h }, notify: A }');
    const { clock } = tidings;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.applyRules('R: { on: began, delay: 1h, again: restart, notify: B }');
    clock.now += MINUTE;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.timers();
    clock.now += HOUR;
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect((await tidings.notifications()).map(({ type }) => type).sort()).toEqual(['A', 'B']);
  });

  test('commit together with everything that firing causes, or not at all', async () => {
    const tidings = await start(`R:
    on: began
    delay: 1h
    do: [{ set: { level: '"gold"' } }, { emit: reached, with: { n: event.n } }]
  ON_LEVEL: { on: { trait: level, to: gold } }
  ON_REACHED: { on: reached, when: event.n == 7 }`);
    const { clock, database } = tidings;
    const { pool } = database;
    await tidings.post({ user: 'u', type: 'began', properties: { n: 7 } });
    clock.now += HOUR;
    await pool.query(
      `create function reject_insert() returns trigger language plpgsql as $$ begin raise 'not now'; end $$`,
    );
    await pool.query(
      'create trigger reject_insert before insert on deliveries for each row execute function reject_insert()',
    );
    // A wait that fails alone is tried again, after a pause.
    expect(await tidings.fireDueWaits(['u'])).toBe(0);
    await tidings.pipeline.drain();
    const state = async () => ({
      waits: await tidings.countOpenWaits(),
      events: await tidings.count('events'),
      notifications: await tidings.notifications(),
      level: (await pool.query('select traits from users')).rows[0]?.traits.level,
    });
    expect(await state()).toEqual({ waits: 1, events: 1, notifications: [], level: undefined });
    await pool.query('drop trigger reject_insert on deliveries');
    const dueAt = clock.now;
    clock.now += 2000;
    await tidings.timers();
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    const sent = ['ON_LEVEL', 'ON_REACHED', 'R'].map((type) => ({ user: 'u', type, version: 1 }));
    expect(await state()).toEqual({ waits: 0, events: 3, notifications: sent, level: 'gold' });
    const { rows } = await pool.query(
      `select event_type as type, context, (extract(epoch from event_time) * 1000)::float8 as at from events
       where event_type <> 'began' order by 1`,
    );
    const { event_id } = (await pool.query(`select event_id from events where event_type = 'began'`)).rows[0];
    const context = { emitted_by: 'R', causation_id: event_id };
    expect(rows).toEqual(['profile.updated', 'reached'].map((type) => ({ type, context, at: dueAt })));
    // The second time there is nothing left to do.
    expect(await tidings.fireDueWaits(['u'])).toBe(0);
    expect(await tidings.count('events')).toBe(3);
  });

  test('emit only what fits the schemas of the catalog they started with, and report the rest as failed', async () => {
    const doing =
      'do: [{ emit: reached, with: { n: event.n * 1.5 } }, { set: { rank: event.n * 0.5 } }, { emit: ended }]';
    const tidings = await start(`R: { on: began, ${doing} }\n  LATER: { on: began, delay: 1h, ${doing} }`);
    const { clock } = tidings;
    const since = clock.now;
    const made = async () => {
      const rows = await tidings.rows('select event_type as type from events order by received_at, 1');
      return rows.map(({ type }) => type);
    };
    const failed = (rule: string) =>
      [
        `Failed: ${rule} could not emit reached: properties.n is the number 10.5, but must be an integer.`,
        `Failed: ${rule} could not emit profile.updated: user_traits.rank is the number 3.5, but must be an integer.`,
      ].map((reason) => ({ rule, notification_type: rule, outcome: 'failed', reason_code: 'action_failed', reason }));
    const [decisions] = await tidings.post({ user: 'u', type: 'began', properties: { n: 7 } });
    expect(decisions).toMatchObject([{ rule: 'R', outcome: 'send' }, ...failed('R'), { rule: 'LATER' }]);
    const key = contentUuid(`id\nu began ${since} 0`);
    expect(decisions?.map(({ decision_id }) => decision_id)).toEqual([0, 1, 2, 3].map((place) => `${key}.${place}`));
    for (const { event_ids } of decisions ?? []) expect(event_ids).toEqual([`u began ${since} 0`]);
    expect(await made()).toEqual(['began', 'ended']);

    // The active catalog by then is not the one the wait started with.
    await tidings.apply(new Map([...catalogWith('NEW: { on: reached }'), ['events.yaml', 'events: { reached: {} }']]));
    clock.now += HOUR;
    expect(await tidings.fireDueWaits(['u'])).toBe(1);
    const [end] = await tidings.fired();
    expect(end?.decisions).toMatchObject([{ rule: 'LATER', outcome: 'send' }, ...failed('LATER')]);
    expect(await made()).toEqual(['began', 'ended', 'ended']);
    expect(await tidings.reproduced(since)).toEqual({ decisions: 7, different: 0, examples: [] });
  });
});
