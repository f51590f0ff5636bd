import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Count, Rule } from '../src/model/catalog.ts';
import { KnownEvents } from '../src/rules/known/known-events.ts';
import { playPattern, runPattern } from './support/pattern-run.ts';
import { runs } from './support/properties.ts';
import { BASE, HOUR, plainRule, SECOND } from './support/random-catalog.ts';
import type { DrawnEvent } from './support/random-rules.ts';

/** Counts since an event, with `same`: starts, counted events and triggers in any order of arrival. */

const SINCE_C = { kind: 'since', event: 'c', text: 'since c' } as const;

function at(type: string, time: number, n = 0, k = 'x'): DrawnEvent {
  return { type, time, late: 0, k, n, t: null, plan: null } as DrawnEvent;
}

const rule: fc.Arbitrary<Rule> = fc
  .record({
    on: fc.constantFrom(['a'], ['a', 'c'], ['c']),
    of: fc.constantFrom(['b'], ['a'], ['a', 'b'], ['b', 'c'], ['c']),
    how: fc.constantFrom('at_least' as const, 'at_most' as const, 'exactly' as const),
    n: fc.constantFrom(1, 2, 3, 8),
    same: fc.constantFrom('event.n', 'event.n', undefined),
    key: fc.constantFrom(undefined, 'event.k'),
  })
  .map(({ on, of, how, n, same, key }) => {
    const count: Count = { of, how, n, window: SINCE_C, ...(same && { same }) };
    return plainRule({ name: 'R', on, count, ...(key && { key }) });
  });

const history = fc
  .tuple(
    fc.constantFrom(40, 400),
    fc.array(
      fc.tuple(
        fc.constantFrom('a', 'a', 'a', 'b', 'b', 'c'),
        fc.nat(399),
        fc.nat(2),
        fc.constantFrom('x', 'x', 'x', 'y'),
      ),
      { minLength: 80, maxLength: 200 },
    ),
  )
  .map(([places, drawn]) => drawn.map(([type, slot, n, k]) => at(type, BASE + (slot % places) * SECOND, n, k)));

test('a count since an event finds the triggers that a late event completes, as a scan of all events does', () => {
  fc.assert(
    fc.property(rule, history, (one, events) => {
      const { got, want } = runPattern(one, events);
      expect(got).toEqual(want);
    }),
    runs(60),
  );
});

type Order = (n: number, size: number) => number;

/** Starts one after the other, from the last to the first, and at random. */
const ORDERS: readonly Order[] = [(n) => n, (n, size) => size - 1 - n, (n, size) => (n * 619) % size];

describe('starts that arrive late', () => {
  /** Looks-up of groups for a history of `size` triggers and as many counted events, and then as many starts. */
  function countLookUps(how: Count['how'], size: number, order: Order): number {
    const count: Count = { of: ['b'], how, n: 3, window: SINCE_C, same: 'event.n' };
    const events: DrawnEvent[] = [at('c', BASE)];
    for (let n = 0; n < size; n++) {
      events.push(at('b', BASE + HOUR + 4 * n * SECOND, n % 5), at('a', BASE + HOUR + (4 * n + 1) * SECOND, n % 5));
    }
    for (let n = 0; n < size; n++) events.push(at('c', BASE + HOUR + (4 * order(n, size) + 2) * SECOND, n % 5));
    const spy = vi.spyOn(KnownEvents.prototype, 'groupBy');
    try {
      playPattern(plainRule({ name: 'R', on: ['a'], count }), events);
      return spy.mock.calls.length;
    } finally {
      spy.mockRestore();
    }
  }

  test.each(['exactly', 'at_most'] as const)('four times as many cost about four times as many look-ups: %s', (how) => {
    for (const order of ORDERS) {
      const [small, large] = [countLookUps(how, 250, order), countLookUps(how, 1000, order)];
      expect(large / small).toBeLessThan(6);
    }
  });
});
