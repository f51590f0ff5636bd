import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventResult } from '../src/ingest/results.ts';
import {
  countRows,
  expectCandidatesDecided,
  expectConsistent,
  expectWithinLimits,
  findFirings,
  limitedRule,
  limitScenario,
  ZONES,
} from './support/limit-oracle.ts';
import { itemOf, useProcessPair } from './support/process-pair.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY } from './support/random-catalog.ts';

const pair = useProcessPair();

describe('limits in a database', () => {
  test('are never exceeded; events posted again change nothing and return their decisions', async () => {
    await fc.assert(
      fc.asyncProperty(limitScenario, fc.boolean(), async ([rules, given, requests], atOnce) => {
        await pair().applyRules(rules);
        const run = pair().nextRun();
        const items = given.map((one, place) => itemOf(run, one, place, { time_zone: ZONES[one.user] }));
        const post = async (places: readonly number[], index: number) => {
          return pair().ingest(
            index,
            places.map((place) => items[place]),
          );
        };
        const answers: (readonly EventResult[])[] = [];
        if (atOnce) answers.push(...(await Promise.all(requests.map(post))));
        else for (const [index, places] of requests.entries()) answers.push(await post(places, index));

        const results: EventResult[] = [];
        requests.forEach((places, request) => {
          places.forEach((place, index) => {
            results[place] = answers[request]?.[index] as EventResult;
          });
        });
        given.forEach((one, place) => {
          const { status, decisions, eventId } = results[place] as EventResult;
          expect(status).toBe('accepted');
          expectCandidatesDecided(rules, one.type, eventId as string, decisions);
          for (const decision of decisions) expectConsistent(rules, decision);
        });
        expectWithinLimits(rules, await findFirings(pair(), run, given));

        const before = await countRows(pair());
        const again = await pair().ingest(0, items);
        expect(again.map(({ status }) => status)).toEqual(items.map(() => 'duplicate'));
        expect(again.map(({ decisions }) => decisions)).toEqual(results.map(({ decisions }) => decisions));
        const changed = items.map((item) => ({ ...item, properties: { other: true } }));
        const conflicts = await pair().ingest(1, changed);
        expect(conflicts.map(({ status, code, decisions }) => [status, code, decisions])).toEqual(
          items.map(() => ['conflict', 'event_id_conflict', []]),
        );
        expect(await countRows(pair())).toEqual(before);
      }),
      runs(40),
    );
  });

  test('of a hundred events at once, in two processes, allow one for "once" and three for "3 per 24h"', async () => {
    await pair().applyRules([
      limitedRule({ max: 1, period: { kind: 'ever' }, text: 'once' }),
      {
        ...limitedRule({ max: 3, period: { kind: 'rolling', span: DAY }, text: '3 per 24h' }),
        name: 'R1',
        notify: ['N2'],
      },
    ]);
    const run = pair().nextRun();
    await Promise.all(
      Array.from({ length: 100 }, (_, place) => {
        const item = itemOf(run, { user: 0, type: 'a', time: BASE + place * 1000, n: null, vip: null }, place);
        return pair().ingest(place, [item]);
      }),
    );
    const { rows } = await pair().tidings.database.pool.query(
      `select notification_type as type, count(*) as count from notifications where starts_with(user_id, $1)
       group by 1 order by 1`,
      [`${run} `],
    );
    expect(rows).toEqual([
      { type: 'N1', count: 1 },
      { type: 'N2', count: 3 },
    ]);
  });

  test.each([
    ['the end of time', ['9999-12-31T22:00:00Z', '9999-12-31T23:00:00Z', '9999-12-31T23:59:59.999Z']],
    ['the first accepted time', ['1970-01-01T00:00:00Z', '1970-01-01T01:00:00Z', '1970-01-01T00:00:00.001Z']],
  ])('and patterns hold at %s', async (_name, times) => {
    await pair().applyRules([
      limitedRule({ max: 1, period: { kind: 'day', zone: 'user' }, text: '1 per day in user zone' }),
      {
        ...limitedRule({ max: 1, period: { kind: 'rolling', span: DAY }, text: '1 per 24h' }),
        name: 'R1',
        notify: ['N2'],
      },
      { ...limitedRule(), name: 'R2', notify: ['N3'], after: [{ event: 'b', within: DAY, withinText: '24h' }] },
    ]);
    for (const zone of ['Pacific/Kiritimati', 'America/Los_Angeles']) {
      const run = pair().nextRun();
      const statuses: unknown[] = [];
      for (const [place, time] of times.entries()) {
        for (const type of ['a', 'b']) {
          const [result] = await pair().ingest(1, [
            {
              event_id: `${run} ${type} ${place}`,
              user_id: `${run} 0`,
              event_type: type,
              event_timestamp: time,
              user_traits: { time_zone: zone },
            },
          ]);
          statuses.push(result?.message ?? result?.status);
        }
      }
      expect(statuses).toEqual(statuses.map(() => 'accepted'));
      const { rows } = await pair().tidings.database.pool.query(
        `select notification_type as type, count(*) as count from notifications where starts_with(user_id, $1)
         group by 1 order by 1`,
        [`${run} `],
      );
      expect(rows.slice(0, 2)).toEqual([
        { type: 'N1', count: 1 },
        { type: 'N2', count: 1 },
      ]);
      expect(rows[2]).toEqual({ type: 'N3', count: 3 });
    }
  });
});
