import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeSpans, type Span } from '../src/store/facts/spans.ts';

test('merges spans that touch', () => {
  const span = (userId: string, type: string, from: number, to: number): Span => ({ userId, type, from, to });
  expect(
    mergeSpans([
      span('u', 'a', 5, 9),
      span('v', 'a', 0, 1),
      span('u', 'a', 1, 5),
      span('u', 'b', 2, 3),
      span('u', 'a', 20, 30),
      span('u', 'a', 2, 3),
    ]),
  ).toEqual([span('u', 'a', 1, 9), span('u', 'a', 20, 30), span('u', 'b', 2, 3), span('v', 'a', 0, 1)]);
});

test('merged spans cover the same times, and do not touch', () => {
  const time = fc.integer({ min: 0, max: 30 });
  const some = fc.record({
    userId: fc.constantFrom('u', 'v'),
    type: fc.constantFrom('a', 'b'),
    from: time,
    to: time,
  });
  const covers = (spans: readonly Span[], { userId, type }: Span, at: number) =>
    spans.some((one) => one.userId === userId && one.type === type && one.from <= at && at <= one.to);
  fc.assert(
    fc.property(fc.array(some), (pairs) => {
      const spans = pairs.map((one) => ({
        ...one,
        from: Math.min(one.from, one.to),
        to: Math.max(one.from, one.to),
      }));
      const merged = mergeSpans(spans);
      for (const one of spans) {
        for (let at = 0; at <= 30; at++) expect(covers(merged, one, at)).toBe(covers(spans, one, at));
      }
      for (const [place, one] of merged.entries()) {
        const next = merged[place + 1];
        if (next?.userId === one.userId && next.type === one.type) expect(next.from).toBeGreaterThan(one.to);
      }
    }),
  );
});
