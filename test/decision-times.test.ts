import { afterEach, beforeEach, expect, test } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Times of decisions: a replay has nothing else to order them by. */

const FILES = new Map([
  ['events.yaml', 'events: { news: {} }'],
  ['notifications.yaml', 'notifications: { NEWS: { category: OPERATIONAL, channels: [email] } }'],
  ['rules.yaml', 'rules: { NEWS: { on: news } }'],
  ['preferences.yaml', 'quiet_hours: 00:00-23:59'],
  ['templates/NEWS/email.en.subject.txt', 'News'],
  ['templates/NEWS/email.en.txt', 'News'],
]);

let tidings: TestTidings;
beforeEach(async () => {
  tidings = await testTidings({}, FILES);
});
afterEach(() => tidings.close());

test('of two decisions about a user the later has the later time, however fast they follow each other', async () => {
  const from = tidings.clock.now;
  let looks = 0;
  // It shows each millisecond for as many looks as two transactions take at least.
  Object.defineProperty(tidings.clock, 'now', { get: () => from + 10_000 + Math.floor(looks++ / 4) });
  const at = (late: number) => new Date(from + 9000 - late).toISOString();
  const item = (event_type: string, late: number, properties: object = {}) => ({
    user_id: 'u1',
    event_type,
    event_timestamp: at(late),
    properties,
  });
  for (let turn = 0; turn < 5; turn++) {
    await tidings.ingest([item('news', 1000 + turn)]);
    // What it says is older than the event that was decided before.
    const said = item('preference.updated', 2000 - turn, { all: turn % 2 === 1 });
    await tidings.pipeline.ingest('default', [markOwn(said)], false);
  }
  const { rows } = await tidings.database.pool.query('select received_at from events order by received_at');
  const times = rows.map(({ received_at }) => Number(received_at));
  expect(new Set(times).size).toBe(10);
  const { reproduced } = await tidings.backtest(from);
  expect(reproduced).toEqual({ decisions: 5, different: 0, examples: [] });
});
