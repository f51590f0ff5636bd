import { describe, expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import { HOUR, MINUTE, type TimedTidings, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

describe('the ID of an emitted event names the rule and the trigger', () => {
  const made = async (tidings: TimedTidings) => {
    const rows = await tidings.rows(
      `select event_id as id from events where event_type = 'reached' order by received_at`,
    );
    return rows.map(({ id }) => id);
  };
  const idOf = (event_id: string) => `R.0:${contentUuid(`id\n${event_id}`)}`;
  const rule = (rest: string) => `R: { on: began, ${rest}, do: { emit: reached } }\n  ON_REACHED: { on: reached }`;

  test.each([
    ['when the pattern is complete, whichever part arrives last', 'after: { event: ended, within: 1h }'],
    ['when the wait was over at once', 'delay: 10m'],
    ['when the wait fires', 'delay: 30m'],
  ])('%s', async (_, rest) => {
    const tidings = await start(rule(rest));
    const { clock } = tidings;
    await tidings.post({ user: 'u', type: 'began', ago: 20 * MINUTE });
    const id = idOf(`u began ${clock.now} 0`);
    await tidings.post({ user: 'u', type: 'ended', ago: 20 * MINUTE });
    clock.now += HOUR;
    await tidings.fireDueWaits(['u']);
    expect(await made(tidings)).toEqual([id]);
  });

  test.each([
    ['posted before', false],
    ['posted with it', true],
  ])('keeps an event with this ID that was %s', async (_, together) => {
    const tidings = await start(rule('limit: 5 ever').replace('began', '[began, ended]'));
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'ended' });
    const began = `u began ${clock.now + MINUTE} 0`;
    const envelope = { user_id: 'u', event_timestamp: new Date(clock.now).toISOString() };
    const existing = { ...envelope, event_id: idOf(began), event_type: 'reached', properties: { n: 1 } };
    if (!together) await tidings.ingest([existing]);
    clock.now += MINUTE;
    const results = await tidings.ingest([
      { ...envelope, event_id: began, event_type: 'began' },
      ...(together ? [existing] : []),
    ]);
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 'accepted'));
    expect(results[0]?.decisions).toMatchObject([{ rule: 'R', outcome: 'send' }]);
    expect((await made(tidings)).filter((id) => id === idOf(began))).toHaveLength(1);
    expect(await tidings.sentTo('ON_REACHED')).toEqual(['u', 'u']);
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });
});
