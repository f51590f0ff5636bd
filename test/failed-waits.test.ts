import { describe, expect, test } from 'vitest';
import { HOUR, MINUTE, type TimedTidings, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

/** Makes firing these waits fail, whatever else is in the transaction. */
async function damage(tidings: TimedTidings, where: string): Promise<void> {
  await tidings.rows(
    `create function fail_wait() returns trigger language plpgsql as $$ begin
       raise exception 'user@example.com cannot be fired' using errcode = '22000'; end $$;
     create trigger fail_wait before insert or update on waits for each row
       when (new.status = 'fired' and new.${where}) execute function fail_wait()`,
  );
}

async function fail(tidings: TimedTidings, users: string[]): Promise<void> {
  await tidings.fireDueWaits(users);
  await tidings.pipeline.drain();
}

const RULES = 'R: { on: began, delay: 1h, cancel_on: ended, when: event.n > 0 }\n  S: { on: began, delay: 1h }';

describe('a wait whose decision throws', () => {
  test('holds up neither another wait of its user nor that of another user', async () => {
    const tidings = await start(RULES);
    await tidings.post(...['a', 'b'].map((user) => ({ user, type: 'began', properties: { n: 1 } })));
    await damage(tidings, `user_id = 'a' and new.rule = 'R'`);
    tidings.clock.now += HOUR;
    await expect(tidings.fireDueWaits(['a', 'b'])).rejects.toThrow();
    await fail(tidings, ['a']);
    expect(await tidings.fireDueWaits(['b'])).toBe(2);
    expect(await tidings.rows(`select user_id, rule, attempts, failure from waits where status = 'waiting'`)).toEqual([
      { user_id: 'a', rule: 'R', attempts: 1, failure: expect.stringMatching(/^error: \S*…\S* cannot be fired$/) },
    ]);
    expect(await tidings.count('waits', `status = 'fired'`)).toBe(3);
  });

  test('is tried eight times within half an hour, each pause longer, and then never again', async () => {
    const tidings = await start(RULES);
    const { clock } = tidings;
    await tidings.post({ user: 'a', type: 'began', properties: { n: 1 } });
    await damage(tidings, `rule = 'R'`);
    clock.now += HOUR;
    const dueAt = clock.now;
    const pauses: number[] = [];
    for (let tries = 1; tries < 8; tries++) {
      await fail(tidings, ['a']);
      // Before the pause is over nothing happens.
      await fail(tidings, ['a']);
      const [wait] = await tidings.rows(`select attempts, retry_at, set_aside_at from waits where status = 'waiting'`);
      expect(wait).toMatchObject({ attempts: tries, set_aside_at: null });
      pauses.push(Number(wait?.retry_at) - clock.now);
      clock.now = Number(wait?.retry_at);
    }
    expect(pauses).toEqual([1, 4, 16, 64, 256, 600, 600].map((seconds) => seconds * 1000));
    expect(clock.now - dueAt).toBeLessThan(30 * MINUTE);
    await fail(tidings, ['a']);
    clock.now += 100 * HOUR;
    await fail(tidings, ['a']);
    expect(await tidings.rows(`select attempts, retry_at from waits where set_aside_at is not null`)).toEqual([
      { attempts: 8, retry_at: null },
    ]);
    const worker = await tidings.timers({ poll: 10 });
    expect(worker.behind).toBe(0);
  });

  test('is cancelled by an event, and by a job that dismisses what is set aside', async () => {
    const tidings = await start(RULES);
    await tidings.post(...['a', 'b', 'c'].map((user) => ({ user, type: 'began', properties: { n: 1 } })));
    await tidings.rows(
      `update waits set attempts = 8, failure = 'x', set_aside_at = now() - interval '30 years' where rule = 'R'`,
    );
    const [decisions] = await tidings.post({ user: 'a', type: 'ended' });
    expect(decisions).toMatchObject([{ rule: 'R', reason_code: 'cancelled_by_event' }]);
    expect(await tidings.runWaitJob('waits.retry', 'S')).toMatchObject({ status: 'done', matched: 0 });
    expect(await tidings.runWaitJob('waits.dismiss', 'R')).toMatchObject({ status: 'done', matched: 2, done: 2 });
    expect(await tidings.count('waits', `status = 'cancelled'`)).toBe(3);
    expect(await tidings.count('waits', `set_aside_at is not null`)).toBe(0);
  });

  test('fires when it is retried after the repair, late as it is', async () => {
    const tidings = await start(RULES);
    await tidings.post(...['a', 'b'].map((user) => ({ user, type: 'began', properties: { n: 1 } })));
    await tidings.rows(
      `update waits set attempts = 8, failure = 'x', set_aside_at = now() - interval '30 years' where rule = 'R'`,
    );
    tidings.clock.now += HOUR;
    await tidings.timers();
    await expect.poll(() => tidings.countOpenWaits()).toBe(2);
    expect(await tidings.runWaitJob('waits.retry', 'R')).toMatchObject({ status: 'done', done: 2 });
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect(await tidings.sentTo('R')).toEqual(['a', 'b']);
  });
});
