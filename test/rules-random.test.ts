import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import type { Event } from '../src/model.ts';
import { compileRules } from '../src/rules/rule-set.ts';
import { countingIds } from '../src/simulate/ids.ts';
import { type Happening, World } from '../src/simulate/world.ts';
import { Memory, only } from './support/memory.ts';
import { catalogOf, DAY } from './support/random-catalog.ts';
import { propertiesOf, someTimedRules, type Told, told, traitsOf } from './support/random-rules.ts';

test('who knows only what the rules say they need decides as who knows everything', () => {
  fc.assert(
    fc.property(someTimedRules, fc.array(told, { minLength: 2, maxLength: 8 }), (rules, events) => {
      const sets = only(compileRules(1, catalogOf(rules)));
      const whole = live(new World(sets, countingIds()), events);
      expect(live(new Memory(sets, countingIds()), events)).toEqual(whole);
    }),
    { numRuns: 3000 },
  );
});

/** Everything arrives as late as it says, and time goes on until nothing is left. */
function live(world: World, events: readonly Told[]): unknown[] {
  const all = events.map((one, place) => ({ event: eventOf(one, place), at: one.time + one.late }));
  const happened: Happening[] = [];
  for (const at of [...new Set(all.map((one) => one.at))].sort((a, b) => a - b)) {
    happened.push(...world.advance(at - 1));
    happened.push(
      ...world.arrive(
        all.filter((one) => one.at === at).map(({ event }) => event),
        at,
      ),
    );
  }
  happened.push(...world.advance(Math.max(...all.map(({ at }) => at)) + 40 * DAY));
  return happened.map(({ at, decisions, sends }) => ({
    at,
    decisions,
    sends: sends.map(({ rule: _, ...send }) => send),
  }));
}

function eventOf(one: Told, place: number): Event {
  return {
    tenantId: '',
    userId: 'u',
    eventId: `event ${place}`,
    key: contentUuid(String(place)),
    type: one.type,
    time: one.time,
    properties: propertiesOf(one),
    traits: traitsOf(one),
  };
}
