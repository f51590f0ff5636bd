import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrivalScenario, countSends, expectedSends, plainEvent } from './support/arrival-oracle.ts';
import { itemOf, useProcessPair } from './support/process-pair.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY, plainRule } from './support/random-catalog.ts';
import type { TestProcess } from './support/tidings.ts';

const pair = useProcessPair();

test('any order and split, at once and in two processes at once, give the expected sends', async () => {
  await fc.assert(
    fc.asyncProperty(arrivalScenario(9), async ([rules, events, requests]) => {
      await pair().applyRules(rules);
      const want = expectedSends(rules, events);
      const together = [events.map((_, index) => index)];
      const apart = events.map((_, index) => [index]);
      const inTurn = async (all: (() => Promise<void>)[]) => {
        for (const one of all) await one();
      };
      const atOnce = async (all: (() => Promise<void>)[]) => {
        await Promise.all(all.map((one) => one()));
      };
      const [here, other] = pair().processes;
      expect(await stored(rules, events, together, [here], inTurn), 'one request').toEqual(want);
      expect(await stored(rules, events, requests, [here], inTurn), 'any order and split').toEqual(want);
      expect(await stored(rules, events, [...apart].reverse(), [here], inTurn), 'in reverse order').toEqual(want);
      expect(await stored(rules, events, requests, [here], atOnce), 'requests at once').toEqual(want);
      expect(await stored(rules, events, apart, [here, other], atOnce), 'two processes').toEqual(want);
    }),
    runs(40),
  );
});

test('one half of a pattern in each of two processes at the same time completes it', async () => {
  await pair().applyRules([
    plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: DAY, withinText: '24h' }] }),
  ]);
  const run = pair().nextRun();
  const users = Array.from({ length: 40 }, (_, user) => user);
  for (const user of users) {
    const [a, b] = ['a', 'b'].map((type, index) => itemOf(run, { ...plainEvent(type, BASE), user }, user * 2 + index));
    await Promise.all([pair().ingest(0, [a]), pair().ingest(1, [b])]);
  }
  const { rows } = await pair().tidings.database.pool.query(
    'select count(*) as count from notifications where starts_with(user_id, $1)',
    [`${run} `],
  );
  expect(rows).toEqual([{ count: users.length }]);
});

type Rules = Parameters<typeof expectedSends>[0];
type Events = Parameters<typeof expectedSends>[1];

/** Posts the events, for users of this run only, and returns the sends that are stored. */
async function stored(
  rules: Rules,
  events: Events,
  requests: readonly number[][],
  processes: readonly TestProcess[],
  how: (requests: (() => Promise<void>)[]) => Promise<void>,
) {
  const run = pair().nextRun();
  const posts = requests.map((places, index) => async () => {
    const items = places.map((place) => itemOf(run, events[place]!, place));
    const results = await processes[index % processes.length]!.ingest(items);
    expect(results.map(({ status }) => status)).toEqual(items.map(() => 'accepted'));
  });
  await how(posts);
  const { rows } = await pair().tidings.database.pool.query<{
    user_id: string;
    rule: string;
    notification_type: string;
    event_id: string;
    deliveries: number;
  }>(
    `select user_id, rule, notification_type, event_id,
            (select count(*) from deliveries d where d.notification_id = n.notification_id) as deliveries
     from notifications n where starts_with(user_id, $1)`,
    [`${run} `],
  );
  for (const row of rows) expect(row.deliveries).toBe(1);
  return countSends(
    rules,
    rows.map((row) => ({
      user: row.user_id.slice(run.length + 1),
      rule: row.rule,
      type: row.notification_type,
      time: events[Number(row.event_id.slice(run.length + 1))]!.time,
    })),
  );
}
