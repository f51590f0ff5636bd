import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { claimOutbox, deleteOutbox, enqueueOutbox } from '../src/store/outbox.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** Each statement that changes the outbox: the rows it changes, and those it must leave alone. */

const TENANT = 'default';
const NOW = Date.parse('2025-11-20T12:00:00Z');
const CLAIM_MS = 60_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  await database.pool.query('truncate outbox_events');
});
afterAll(() => database.drop());

test('an event is in the outbox once, as it was first written', async () => {
  await enqueue('e', NOW, { n: 1 });
  await enqueue('e', NOW + 1, { n: 2 });
  expect(await claimOutbox(database.pool, NOW + 1, NOW + CLAIM_MS, 10)).toMatchObject([{ event: { n: 1 } }]);
});

test('a claim returns the oldest events, up to the limit', async () => {
  await enqueue('b', NOW - 2);
  await enqueue('c', NOW - 1);
  await enqueue('a', NOW - 3);
  expect(await claim(NOW, 2)).toEqual(['a', 'b']);
});

test('a claimed event is skipped until the claim has expired', async () => {
  await enqueue('e', NOW);
  expect(await claim(NOW)).toEqual(['e']);
  expect(await claim(NOW + CLAIM_MS)).toEqual([]);
  expect(await claim(NOW + CLAIM_MS + 1)).toEqual(['e']);
});

test('a deleted event does not come back', async () => {
  await enqueue('e', NOW);
  await enqueue('f', NOW);
  await deleteOutbox(database.pool, TENANT, ['e']);
  expect(await claim(NOW)).toEqual(['f']);
});

function enqueue(eventId: string, now: number, event = {}): Promise<void> {
  return enqueueOutbox(database.pool, [{ tenantId: TENANT, userId: 'u', eventId, event }], now);
}

async function claim(now: number, limit = 10): Promise<string[]> {
  return (await claimOutbox(database.pool, now, now + CLAIM_MS, limit)).map(({ eventId }) => eventId);
}
