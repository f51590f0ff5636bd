import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import type { After } from '../src/model/catalog.ts';
import type { Event } from '../src/model/event.ts';
import { addEvent, newUserState } from '../src/rules/facts.ts';
import { matchPattern } from '../src/rules/patterns/match-pattern.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { runs } from './support/properties.ts';
import { BASE, plainRule, rulesOf } from './support/random-catalog.ts';

const step: fc.Arbitrary<After> = fc
  .record({
    event: fc.constantFrom('a', 'a', 'b'),
    within: fc.constantFrom(0, 1, 2),
    same: fc.constantFrom(null, null, 'event.n'),
  })
  .map(({ event, within, same }) => ({ event, within, withinText: `${within}ms`, ...(same && { same }) }));

/** Few moments, so that many events share one. */
const happened: fc.Arbitrary<Event> = fc
  .record({ type: fc.constantFrom('a', 'a', 'b'), after: fc.constantFrom(0, 0, 1, 2), n: fc.constantFrom(1, 1, 2) })
  .map(({ type, after, n }) => eventOf(type, after, n));

test('a chain of steps is found if there is one, whichever share a moment; of all chains one whose last step is the latest', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.array(happened, { maxLength: 6 }),
      fc.constantFrom(eventOf('a', 2, 1), eventOf('c', 2, 1)),
      (after, drawn, trigger) => {
        const events = drawn.map((event, place) => ({ ...event, eventId: `${place}`, key: contentUuid(`${place}`) }));
        const rules = rulesOf([plainRule({ name: 'R', on: ['a', 'c'], after, key: 'event.k' })]);
        const user = newUserState('u');
        for (const event of [...events, trigger]) {
          const { key, eventId, time } = event;
          addEvent(user, event.type, { key, eventId, time, event });
        }
        const { steps } = matchPattern(rules.byName.get('R')!, user, trigger, countingIds());
        const found = steps?.map((one) => one.event as Event);
        const chains = everyChoice(after.length, events).filter((chain) => isChain(chain, after, trigger));
        if (found) expect(isChain(found, after, trigger) && new Set(found).size === found.length).toBe(true);
        expect(found?.at(-1)?.time).toBe(
          chains.length === 0 ? undefined : Math.max(...chains.map((chain) => chain.at(-1)!.time)),
        );
      },
    ),
    runs(5000),
  );
});

/** The definition: each of its type, agreeing where it must, and not before the one before it, nor too long after it. */
function isChain(chain: readonly Event[], after: readonly After[], trigger: Event): boolean {
  return after.every(({ event, within, same }, place) => {
    const one = chain[place]!;
    const next = chain[place + 1] ?? trigger;
    if (one.type !== event || (same && one.properties.n !== trigger.properties.n)) return false;
    return one.time <= next.time && next.time <= one.time + within;
  });
}

/** So many of them, in every order, none of them twice. */
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
