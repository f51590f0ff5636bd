import { describe, expect, test } from 'vitest';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { catalogWith, HOUR, MINUTE, type TimedTidings, useTimedTidings } from './support/timers.ts';

const SECOND = 1000;
const start = useTimedTidings();

/** Lets time pass to the end of all waits, and returns when each fired or ended, with its decisions. */
async function finish(tidings: TimedTidings) {
  const { clock } = tidings;
  for (;;) {
    const [next] = await tidings.rows(`select min(due_at) as due from waits where status = 'waiting'`);
    if (next?.due == null) break;
    clock.now = Math.max(clock.now, Number(next.due));
    const users = await tidings.rows(`select distinct user_id from waits where status = 'waiting'`);
    await tidings.fireDueWaits(users.map((row) => String(row.user_id)));
  }
  return tidings.fired();
}

describe('a wait that is migrated', () => {
  test.each([
    ['later', '8s', '40s'],
    ['sooner', '40s', '8s'],
  ])('to a rule that waits %s fires by the new time, and says so', async (_, before, after) => {
    const rule = (within: string) => `R: { on: began, unless: { event: ended, within: ${within} } }`;
    const tidings = await start(rule(before));
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.applyRules(rule(after));
    clock.now += 5 * SECOND;
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 1, skipped: 0 });
    const due = since + Number.parseInt(after, 10) * SECOND;
    const [fired] = await finish(tidings);
    expect(fired).toMatchObject({
      due,
      decisions: [
        {
          outcome: 'send',
          reason: `To be sent: the time was up on 20 November 2025 at 12:00:${after.slice(0, -1).padStart(2, '0')} UTC and there was no ended within ${after}.`,
          evidence: { wait: { due_at: new Date(due).toISOString() } },
        },
      ],
    });
    expect(clock.now).toBe(due);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 2, different: 0 });
  });

  test('and back is due as at first', async () => {
    const [short, long] = ['8s', '40s'].map((span) => `R: { on: began, unless: { event: ended, within: ${span} } }`);
    const tidings = await start(short!);
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    for (const rule of [long!, short!]) {
      clock.now += SECOND;
      await tidings.applyRules(rule);
      clock.now += SECOND;
      await tidings.runWaitJob('waits.migrate', 'R');
    }
    expect(await finish(tidings)).toMatchObject([{ due: since + 8 * SECOND, decisions: [{ outcome: 'send' }] }]);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test('ends if what came since ends it under the new rule, and lives on if that came for another key', async () => {
    const tidings = await start('R: { on: began, delay: 1h }');
    const { clock } = tidings;
    const since = clock.now;
    for (const user of ['u', 'v']) await tidings.post({ user, type: 'began', properties: { n: 1 } });
    clock.now += MINUTE;
    await tidings.post({ user: 'u', type: 'reached', properties: { n: 1 } });
    await tidings.post({ user: 'v', type: 'reached', properties: { n: 2 } });
    await tidings.applyRules('R: { on: began, delay: 2h, key: event.n, cancel_on: reached }');
    clock.now += MINUTE;
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 2, skipped: 0 });
    expect(await tidings.rows('select user_id, key, status from waits order by 1')).toEqual([
      { user_id: 'u', key: '1', status: 'cancelled' },
      { user_id: 'v', key: '1', status: 'waiting' },
    ]);
    // From now on, an event with the key ends it.
    clock.now += MINUTE;
    const [cancelled] = await tidings.post({ user: 'v', type: 'reached', properties: { n: 1 } });
    expect(cancelled).toMatchObject([{ reason_code: 'cancelled_by_event' }]);
    clock.now += HOUR;
    expect(await tidings.count('notifications')).toBe(0);
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test('counts what came since: the third of three events ends it', async () => {
    const tidings = await start('R: { on: began, unless: { event: reached, within: 1h } }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    for (let n = 0; n < 2; n++) {
      clock.now += SECOND;
      await tidings.post({ user: 'u', type: 'ended' });
    }
    await tidings.applyRules('R: { on: began, unless: { event: ended, within: 1h, at_least: 3 } }');
    clock.now += SECOND;
    await tidings.runWaitJob('waits.migrate', 'R');
    clock.now += SECOND;
    const [third] = await tidings.post({ user: 'u', type: 'ended' });
    expect(third).toMatchObject([{ reason_code: 'unless_event_occurred' }]);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test.each([
    ['its pattern', 'R: { on: began, delay: 1h, after: { event: reached, within: 1h } }', 'no reached was known'],
    ['its count', 'R: { on: began, delay: 1h, count: { at_least: 2, within: 1h } }', 'needs at least 2 of began'],
    ['its condition', 'R: { on: began, delay: 1h, when: event.n > 3, recheck: false }', 'event.n > 3'],
    ['its time', 'R: { on: began, at: user.level }', 'user.level is missing'],
  ])('ends if the new rule would not wait for it, by %s', async (_, rule, why) => {
    const kind = rule.includes('at: user') ? 'R: { on: began, at: "20:00" }' : 'R: { on: began, delay: 1h }';
    const tidings = await start(kind);
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began', properties: { n: 1 } });
    await tidings.applyRules(rule);
    clock.now += SECOND;
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 1, skipped: 0 });
    const [wait] = await tidings.rows('select status, decisions::text as decisions from waits');
    expect(wait).toMatchObject({ status: 'cancelled' });
    expect(wait?.decisions).toContain('catalog_changed');
    expect(wait?.decisions).toContain(why);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 2, different: 0 });
  });

  test('and ends by that is decided by the candidate of a backtest, which moves nothing', async () => {
    const rule = 'R: { on: began, delay: 1h }';
    const tidings = await start(rule);
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.applyRules('R: { on: began, delay: 1h, after: { event: reached, within: 1h } }');
    clock.now += SECOND;
    await tidings.runWaitJob('waits.migrate', 'R');
    clock.now += 2 * HOUR;
    const { totals } = await tidings.backtest(since, await validateCatalogFiles(catalogWith(rule)));
    expect(totals).toMatchObject({ live: 0, new: 1, added: 1 });
  });

  test('and cancelled by an operator stays so in the backtest of a candidate', async () => {
    const rule = 'R: { on: began, delay: 1h }';
    const tidings = await start(rule);
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.applyRules('R: { on: began, delay: 1h, cancel_on: ended }');
    clock.now += SECOND;
    await tidings.runWaitJob('waits.migrate', 'R');
    clock.now += SECOND;
    await tidings.runWaitJob('waits.cancel', 'R');
    clock.now += 2 * HOUR;
    const { totals } = await tidings.backtest(since, await validateCatalogFiles(catalogWith(rule)));
    expect(totals).toMatchObject({ live: 0, new: 0, added: 0 });
  });

  test('fires with the evidence of the pattern of the new rule', async () => {
    const tidings = await start('R: { on: began, delay: 1h }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'reached', properties: { n: 7 } });
    clock.now += SECOND;
    await tidings.post({ user: 'u', type: 'began' });
    await tidings.applyRules(
      'R: { on: began, delay: 2h, after: { event: reached, within: 1h }, when: matched.reached.n == 7 }',
    );
    clock.now += SECOND;
    await tidings.runWaitJob('waits.migrate', 'R');
    const [fired] = await finish(tidings);
    expect(fired).toMatchObject({
      due: since + SECOND + 2 * HOUR,
      decisions: [{ outcome: 'send', evidence: { pattern: { steps: [{ event: 'reached' }] } } }],
    });
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test.each([
    ['before', 0],
    ['of the same millisecond', SECOND],
  ])('finds an event of the type of its trigger that came %s', async (_, ago) => {
    const tidings = await start('R: { on: ended, delay: 1h }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    clock.now += SECOND;
    await tidings.applyRules('R: { on: began, delay: 1h }');
    await tidings.post({ user: 'u', type: 'began', ago });
    await tidings.applyRules('R: { on: began, delay: 2h, after: { event: began, within: 1m } }');
    clock.now += SECOND;
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 1, skipped: 0 });
    expect(await finish(tidings)).toMatchObject([{ decisions: [{ outcome: 'send' }] }]);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test('with a digest has its new window and its new number of items, without those that an event ended since', async () => {
    const tidings = await start('R: { on: began, digest: { window: 1h } }');
    const { clock } = tidings;
    const since = clock.now;
    for (let n = 0; n < 5; n++) {
      await tidings.post({ user: 'u', type: 'began' });
      clock.now += SECOND;
      if (n === 1) await tidings.post({ user: 'u', type: 'ended' });
      clock.now += SECOND;
    }
    await tidings.applyRules('R: { on: began, digest: { window: 2h, keep: 2 }, cancel_on: ended }');
    clock.now += SECOND;
    expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 1, skipped: 0 });
    const [fired] = await finish(tidings);
    expect(fired).toMatchObject({ decisions: [{ outcome: 'send', evidence: { digest: { kept: 2 } } }] });
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test('stays as it is if the rule waits in another way, for other events, or has a key that the trigger lacks', async () => {
    const tidings = await start('R: { on: began, delay: 1h }');
    const { clock } = tidings;
    await tidings.post({ user: 'u', type: 'began' });
    for (const rule of [
      'R: { on: began, digest: { window: 1h } }',
      'R: { on: ended, delay: 2h }',
      'R: { on: began, delay: 2h, key: event.n }',
    ]) {
      await tidings.applyRules(rule);
      clock.now += SECOND;
      expect(await tidings.runWaitJob('waits.migrate', 'R')).toMatchObject({ status: 'done', done: 0, skipped: 1 });
    }
    expect(await tidings.rows('select catalog_version, due_at from waits')).toEqual([
      { catalog_version: 1, due_at: Date.parse('2025-11-20T13:00:00Z') },
    ]);
  });

  test.each(['waits.migrate', 'waits.cancel'] as const)(
    'does not need the memory of all its kind: %s',
    async (action) => {
      const tidings = await start('R: { on: began, delay: 1h }');
      for (const user of ['u', 'v', 'w']) await tidings.post({ user, type: 'began' });
      // Two of these fill a chunk.
      await tidings.rows(
        `update waits set state = (state::jsonb || jsonb_build_object('matched', jsonb_build_object('x', repeat('x', 9000000))))::json`,
      );
      await tidings.applyRules('R: { on: began, delay: 2h }');
      tidings.clock.now += SECOND;
      expect(await tidings.runWaitJob(action, 'R')).toMatchObject({ status: 'done', done: 3, skipped: 0 });
      expect(await tidings.count('waits', 'catalog_version = 1')).toBe(action === 'waits.migrate' ? 0 : 3);
    },
  );
});
