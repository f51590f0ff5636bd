import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluateLimit } from '../src/rules/evaluate/limits.ts';
import { CountedUses } from '../src/rules/known/counted-uses.ts';
import { runs } from './support/properties.ts';
import { BASE, daily, ever, HOUR, rolling } from './support/random-catalog.ts';
import { evaluateLimitByScan } from './support/reference-limits.ts';

/** Limits with more uses than are scanned: the index finds what a scan of all uses finds, in whatever order they came. */

const time = fc.tuple(fc.nat(40), fc.constantFrom(0, 0, 1, -1)).map(([place, off]) => BASE + place * HOUR + off);

test('a limit has the same uses, slot and verdict by its index as by a scan of all uses', () => {
  fc.assert(
    fc.property(
      fc.oneof(ever, daily, rolling),
      fc.array(time, { minLength: 1, maxLength: 60 }),
      fc.array(time, { minLength: 1, maxLength: 10 }),
      (limit, sent, asked) => {
        const uses = new CountedUses();
        for (const [place, at] of sent.entries()) {
          const state = evaluateLimit(limit, uses, at, {});
          uses.add({
            bucket: state.bucket,
            slot: state.slot,
            at,
            eventId: `event ${place}`,
            notificationId: `${place}`,
          });
        }
        const all = [...uses];
        for (const at of asked) {
          expect(evaluateLimit(limit, uses, at, {})).toEqual(evaluateLimitByScan(limit, [...all].reverse(), at, {}));
        }
      },
    ),
    runs(500),
  );
});
