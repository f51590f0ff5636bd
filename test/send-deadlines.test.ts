import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Deadlines } from '../src/delivery/deadlines.ts';

test('many sends share a deadline, and Node.js suspects no leak of their listeners', async () => {
  const warnings: string[] = [];
  const collect = ({ message }: Error) => warnings.push(message);
  process.on('warning', collect);
  const deadlines = new Deadlines(60_000);
  const signals = Array.from({ length: 100 }, () => deadlines.next().signal);
  let aborted = 0;
  for (const signal of signals) signal.addEventListener('abort', () => aborted++, { once: true });
  await nextTurn();
  process.off('warning', collect);
  expect(new Set(signals).size).toBe(1);
  expect(warnings).toEqual([]);
  deadlines.stop();
  expect(aborted).toBe(100);
});
