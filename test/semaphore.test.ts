import { expect, test } from 'vitest';
import { Semaphore } from '../src/lib/concurrency/semaphore.ts';

test('runs up to its size at once, and the rest in order', async () => {
  const semaphore = new Semaphore<string>(2);
  const ends: (() => void)[] = [];
  const started: string[] = [];
  for (const key of ['a', 'b', 'c', 'd']) {
    semaphore.run(key, () => {
      started.push(key);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  }
  expect(started).toEqual(['a', 'b']);
  expect(semaphore.idle).toBe(false);
  ends[1]?.();
  await expect.poll(() => started).toEqual(['a', 'b', 'c']);
  expect(semaphore.clear()).toEqual(['d']);
  ends[0]?.();
  ends[2]?.();
  await expect.poll(() => semaphore.idle).toBe(true);
  expect(started).toEqual(['a', 'b', 'c']);
});
