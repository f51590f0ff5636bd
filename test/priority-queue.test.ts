import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PriorityQueue } from '../src/lib/concurrency/priority-queue.ts';

test('returns the earliest item first, and of one time the item added first', () => {
  const step = fc.option(fc.integer({ min: 0, max: 5 }), { freq: 3 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const queue = new PriorityQueue<number>();
      let left: { due: number; item: number }[] = [];
      for (const [item, due] of steps.entries()) {
        if (due === null) {
          queue.removeFirst();
          left = left.slice(1);
        } else {
          queue.add(due, item);
          left = [...left, { due, item }].sort((a, b) => a.due - b.due);
        }
        expect(queue.first()?.item).toBe(left[0]?.item);
      }
    }),
  );
});
