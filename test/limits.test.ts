import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expectCandidatesDecided,
  expectConsistent,
  expectWithinLimits,
  type Firing,
  limitedRule,
  limitScenario,
  ZONES,
  zoneOf,
} from './support/limit-oracle.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY, NOW } from './support/random-catalog.ts';
import { eventOfGiven, memoryOf } from './support/simulation.ts';

describe('limits', () => {
  test('are never exceeded, and every rule that an event triggers has one decision per notification', () => {
    fc.assert(
      fc.property(limitScenario, ([rules, given, requests]) => {
        const memory = memoryOf(rules);
        for (const user of ZONES.keys()) memory.addUser(String(user), { time_zone: zoneOf(String(user)) }, NOW);
        const events = given.map((one, place) => eventOfGiven(one, place));
        const firings: Firing[] = [];
        for (const places of requests) {
          const batch = places.map((place) => events[place]!);
          for (const { userId, cause, decisions, sends } of memory.ingest(batch, NOW)) {
            if (cause.kind !== 'event') throw new Error('no rule waits');
            expectCandidatesDecided(rules, cause.event.type, cause.event.eventId, decisions);
            for (const decision of decisions) expectConsistent(rules, decision);
            const first = new Map(sends.map(({ decision, trigger }) => [`${decision.rule} ${trigger.key}`, trigger]));
            for (const [key, trigger] of first) {
              firings.push({ user: userId, rule: key.slice(0, key.indexOf(' ')), time: trigger.time });
            }
          }
        }
        expectWithinLimits(rules, firings);
      }),
      runs(3000),
    );
  });

  test.each([
    // [zone, what is special, first, second, whether they are on the same day]
    ['Europe/Lisbon', 'autumn: 25 hours', '2025-10-25T23:00:00Z', '2025-10-26T23:59:59.999Z', true],
    ['Europe/Lisbon', 'autumn: the midnight after', '2025-10-26T23:59:59.999Z', '2025-10-27T00:00:00Z', false],
    ['Europe/Lisbon', 'spring: 23 hours', '2025-03-30T00:00:00Z', '2025-03-30T22:59:59.999Z', true],
    ['Europe/Lisbon', 'spring: the midnight after', '2025-03-30T22:59:59.999Z', '2025-03-30T23:00:00Z', false],
    ['America/Sao_Paulo', 'a midnight that was skipped', '2018-11-04T02:59:59.999Z', '2018-11-04T03:00:00Z', false],
    ['Pacific/Apia', 'a day that was skipped', '2011-12-30T09:59:59.999Z', '2011-12-30T10:00:00Z', false],
    ['Pacific/Kiritimati', '14 hours ahead', '2025-10-26T09:59:59.999Z', '2025-10-26T10:00:00Z', false],
    ['Nowhere/Land', 'an unknown zone is UTC', '2025-10-26T23:59:59.999Z', '2025-10-27T00:00:00Z', false],
    ['Pacific/Kiritimati', 'the end of time', '9999-12-31T20:00:00Z', '9999-12-31T21:00:00Z', true],
    ['America/Los_Angeles', 'the beginning of time', '0001-01-01T00:00:00Z', '0001-01-01T01:00:00Z', true],
  ])('of a day count in %s (%s)', (zone, _name, first, second, same) => {
    const rules = [limitedRule({ max: 1, period: { kind: 'day', zone: 'user' }, text: '1 per day in user zone' })];
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      const memory = memoryOf(rules);
      memory.addUser('0', { time_zone: zone }, NOW);
      const sends = order.flatMap((time, place) => {
        const event = eventOfGiven({ user: 0, type: 'a', time: Date.parse(time), n: null, vip: null }, place);
        return memory.ingest([event], NOW).flatMap((one) => one.sends);
      });
      expect(sends).toHaveLength(same ? 1 : 2);
    }
  });

  test.each([
    ['exactly the span apart', DAY, 1],
    ['1 ms more than the span apart', DAY + 1, 2],
  ])('of a rolling period count two events %s', (_name, apart, count) => {
    const rules = [limitedRule({ max: 1, period: { kind: 'rolling', span: DAY }, text: '1 per 24h' })];
    for (const order of [
      [BASE, BASE + apart],
      [BASE + apart, BASE],
    ]) {
      const memory = memoryOf(rules);
      const sends = order.flatMap((time, place) =>
        memory
          .ingest([eventOfGiven({ user: 0, type: 'a', time, n: null, vip: null }, place)], NOW)
          .flatMap((one) => one.sends),
      );
      expect(sends).toHaveLength(count);
    }
  });
});
