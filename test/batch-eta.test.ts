import { expect, test } from 'vitest';
import { systemActor } from '../src/model/principal.ts';
import { toBatchView } from '../src/notify/batches/views.ts';
import type { StoredBatch } from '../src/store/batches/batches.ts';

/** The time at which a batch will be done, by its rate until now. */

const NOW = Date.parse('2025-11-20T12:00:10Z');

function etaOf(counts: StoredBatch['counts'], lines: number): string | null {
  const startedAt = NOW - 10_000;
  const batch: StoredBatch = {
    ...{ batchId: '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', name: null, request: { type: 'ORDER' }, source: null },
    ...{ perSecond: null, state: 'running', lines, nextLine: lines, counts, codes: {}, actor: systemActor('test') },
    ...{ createdAt: startedAt, startedAt, endedAt: null, reason: null },
  };
  return toBatchView(batch, NOW).eta;
}

test('what is left takes as long as what is done did', () => {
  expect(etaOf({ sent: 10 }, 30)).toBe('2025-11-20T12:00:30.000Z');
});

test('what waits for a time of its own has no part in it, and nothing is said if nothing else is left', () => {
  expect(etaOf({ sent: 10, held: 5 }, 30)).toBe('2025-11-20T12:00:25.000Z');
  expect(etaOf({ sent: 10, held: 5, scheduled: 1 }, 16)).toBeNull();
});
