import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import type { After } from '../src/model/catalog.ts';
import type { Event } from '../src/model/event.ts';
import { matchPattern } from '../src/rules/patterns/match-pattern.ts';
import { runs } from './support/properties.ts';
import { BASE, plainRule, rulesOf } from './support/random-catalog.ts';
import { newIds, userKnowing } from './support/simulation.ts';

const step: fc.Arbitrary<After> = fc
  .record({
    event: fc.constantFrom('a', 'a', 'b'),
    within: fc.constantFrom(0, 1, 2),
    same: fc.constantFrom(null, null, 'event.n'),
  })
  .map(({ event, within, same }) => ({ event, within, withinText: `${within}ms`, ...(same && { same }) }));

/** Few times, so that many events share one. */
const drawnEvent: fc.Arbitrary<Event> = fc
  .record({ type: fc.constantFrom('a', 'a', 'b'), after: fc.constantFrom(0, 0, 1, 2), n: fc.constantFrom(1, 1, 2) })
  .map(({ type, after, n }) => eventOf(type, after, n));

test('finds a chain of steps if there is one, also among events of the same time, and one whose last step is the latest', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.array(drawnEvent, { maxLength: 6 }),
      fc.constantFrom(eventOf('a', 2, 1), eventOf('c', 2, 1)),
      (after, drawn, trigger) => {
        const events = drawn.map((event, place) => ({ ...event, eventId: `${place}`, key: contentUuid(`${place}`) }));
        const rules = rulesOf([plainRule({ name: 'R', on: ['a', 'c'], after, key: 'event.k' })]);
        const user = userKnowing([...events, trigger]);
        const { steps } = matchPattern(rules.byName.get('R')!, user, trigger, newIds());
        const found = steps?.map((one) => one.event as Event);
        const chains = everyChoice(after.length, events).filter((chain) => isChain(chain, after, trigger));
        if (found) expect(isChain(found, after, trigger) && new Set(found).size === found.length).toBe(true);
        expect(found?.at(-1)?.time).toBe(
          chains.length === 0 ? undefined : Math.max(...chains.map((chain) => chain.at(-1)!.time)),
        );
      },
    ),
    runs(2500),
  );
});

/** The definition: each event has its type, the same value if required, and follows the one before it within the span. */
function isChain(chain: readonly Event[], after: readonly After[], trigger: Event): boolean {
  return after.every(({ event, within, same }, place) => {
    const one = chain[place]!;
    const next = chain[place + 1] ?? trigger;
    if (one.type !== event || (same && one.properties.n !== trigger.properties.n)) return false;
    return one.time <= next.time && next.time <= one.time + within;
  });
}

/** All choices of `many` of the events, in every order, each event once. */
function everyChoice(many: number, events: readonly Event[]): Event[][] {
  if (many === 0) return [[]];
  return events.flatMap((event) =>
    everyChoice(
      many - 1,
      events.filter((one) => one !== event),
    ).map((rest) => [event, ...rest]),
  );
}

function eventOf(type: string, after: number, n: number): Event {
  return {
    tenantId: '',
    userId: 'u',
    eventId: 'trigger',
    key: contentUuid('trigger'),
    type,
    time: BASE + after,
    properties: { n, k: 'x' },
    traits: {},
  };
}
