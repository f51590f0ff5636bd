import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Count, Rule } from '../src/model/catalog.ts';
import { runPattern } from './support/pattern-run.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY, HOUR, plainRule, SECOND } from './support/random-catalog.ts';
import { type DrawnEvent, drawnEvent } from './support/random-rules.ts';

/** Patterns over more events than are scanned: the indexes find what a scan of all events finds, in any order of arrival. */

const TYPES = ['a', 'b', 'c'] as const;
const type = fc.constantFrom(...TYPES);
const types = fc.uniqueArray(type, { minLength: 1, maxLength: 2 });
const same = fc.constantFrom(null, null, 'event.n', 'event.k');
const span = fc.constantFrom(SECOND, 10 * SECOND, HOUR, DAY);

const step = fc
  .tuple(type, span, same)
  .map(([event, within, alike]) => ({ event, within, withinText: 'a while', ...(alike && { same: alike }) }));

const window: fc.Arbitrary<Count['window']> = fc.oneof(
  span.map((ms) => ({ kind: 'rolling' as const, span: ms, text: 'a while' })),
  fc.constantFrom('UTC', 'Europe/Lisbon').map((zone) => ({ kind: 'day' as const, zone, text: 'day' })),
  type.map((event) => ({ kind: 'since' as const, event, text: `since ${event}` })),
);

const count: fc.Arbitrary<Count> = fc
  .tuple(types, fc.constantFrom('at_least', 'at_most', 'exactly'), fc.constantFrom(1, 2, 3, 4, 6, 12, 30), window, same)
  .map(([of, how, n, within, alike]) => ({ of, how, n, window: within, ...(alike && { same: alike }) }));

const rule: fc.Arbitrary<Rule> = fc
  .record({
    on: types,
    key: fc.constantFrom(null, null, 'event.k'),
    after: fc.oneof(fc.constant([]), fc.array(step, { minLength: 1, maxLength: 3 })),
    count: fc.option(count),
  })
  .filter(({ after, count: counted }) => after.length > 0 || counted !== null)
  .map(({ on, key, after, count: counted }) =>
    plainRule({ name: 'R', on, after, ...(key && { key }), ...(counted && { count: counted }) }),
  );

/** Many events in few places, so that several have the same time. */
const events = fc
  .record({
    places: fc.constantFrom(3, 20, 200),
    unit: fc.constantFrom(7, 900, 5 * SECOND, HOUR),
    drawn: fc.array(fc.tuple(drawnEvent, fc.nat(200)), { minLength: 25, maxLength: 90 }),
  })
  .map(({ places, unit, drawn }) => drawn.map(([one, slot]) => ({ ...one, time: BASE + (slot % places) * unit })));

/**
 * Found at random, once in some hundred runs: the last event lets an `a` follow it that had shared its time with the only `c`
 * before, so that this `c` is free to be the third step.
 */
const SHARED_TIME: [Rule, DrawnEvent[]] = [
  plainRule({
    name: 'R',
    on: ['a'],
    key: 'event.k',
    after: ['c', 'a', 'c'].map((event, step) => ({
      event,
      within: SECOND,
      withinText: '1s',
      ...(step < 2 && { same: 'event.n' }),
    })),
  }),
  [
    ...Array.from({ length: 12 }, (_, place) => drawAt('a', place % 3, place % 4)),
    drawAt('a', 77, 2),
    drawAt('c', 77, 2),
    drawAt('a', 91, 2),
    drawAt('c', 49, 3),
    drawAt('c', 49, 2),
  ],
];

function drawAt(name: (typeof TYPES)[number], time: number, n: number): DrawnEvent {
  return { type: name, time: BASE + time, late: 0, k: 'x', n, t: null, plan: null };
}

test('the indexes match a trigger, and find the triggers that a late event completes, as a scan of all events does', () => {
  fc.assert(
    fc.property(rule, events, (one, happened) => {
      const { got, want } = runPattern(one, happened);
      expect(got).toEqual(want);
    }),
    { ...runs(150), examples: [SHARED_TIME] },
  );
});
