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
  let looksOfEach = 1;
  let shown = from + 10_000;
  let left = 0;
  const look = () => {
    looks++;
    if (--left < 0) [shown, left] = [shown + 1, looksOfEach - 1];
    return shown;
  };
  Object.defineProperty(tidings.clock, 'now', { get: look });
  const at = (late: number) => new Date(from + 9000 - late).toISOString();
  const item = (event_type: string, late: number, properties: object = {}) => ({
    user_id: 'u1',
    event_type,
    event_timestamp: at(late),
    properties,
  });
  await tidings.ingest([item('news', 3000)]);
  looks = 0;
  await tidings.ingest([item('news', 2900)]);
  // From here on it shows each millisecond for longer than a transaction takes that does not wait.
  looksOfEach = looks + 2;
  for (let turn = 0; turn < 5; turn++) {
    await tidings.ingest([item('news', 1000 + turn)]);
    // It is older than the event that was decided before.
    const said = item('preference.updated', 2000 - turn, { all: turn % 2 === 1 });
    await tidings.pipeline.ingest('default', [markOwn(said)], false);
  }
  const { rows } = await tidings.database.pool.query('select received_at from events order by received_at');
  const times = rows.map(({ received_at }) => Number(received_at));
  expect(new Set(times).size).toBe(12);
  const { reproduced } = await tidings.backtest(from);
  expect(reproduced).toEqual({ decisions: 7, different: 0, examples: [] });
});
