import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogOf } from './support/random-catalog.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A late event that changes a trait of a user with many later events. */

const NOW = Date.parse('2025-11-20T12:00:00Z');
let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings({}, catalogOf([]));
});
afterAll(() => tidings.close());

const event = (user: string, id: string, second: number, traits: object = {}) => ({
  event_id: `${user} ${id}`,
  user_id: user,
  event_type: 'x',
  event_timestamp: new Date(NOW - 86_400_000 + second * 1000).toISOString(),
  user_traits: traits,
});

async function planOf(user: string): Promise<unknown> {
  const { rows } = await tidings.pool.query('select traits from users where user_id = $1', [user]);
  return rows[0]?.traits.plan;
}

/** The plan is known since second 0; events without a plan follow; then an event of second 1 comes late. */
async function planAfterLate(user: string, later: number): Promise<unknown> {
  await tidings.ingest([event(user, 'first', 0, { plan: 'free' })]);
  for (let from = 0; from < later; from += 1000) {
    const count = Math.min(1000, later - from);
    await tidings.ingest(Array.from({ length: count }, (_, n) => event(user, `later ${from + n}`, 2 + from + n)));
  }
  await tidings.ingest([event(user, 'late', 1, { plan: 'paid' })]);
  return planOf(user);
}

test('changes the trait if none of up to 1,000 later events names it', async () => {
  expect(await planAfterLate('exact', 1000)).toBe('paid');
});

test('leaves the trait as it is if there are more later events than are searched', async () => {
  expect(await planAfterLate('bounded', 1001)).toBe('free');
});

test('does not change a trait that a later event repeated', async () => {
  await tidings.ingest([event('repeated', 'first', 0, { plan: 'free' })]);
  await tidings.ingest([event('repeated', 'again', 5, { plan: 'free' })]);
  await tidings.ingest([
    event('repeated', 'late', 1, { plan: 'paid' }),
    event('repeated', 'later', 2, { plan: 'gone' }),
  ]);
  expect(await planOf('repeated')).toBe('free');
  await tidings.ingest([event('repeated', 'new', 6, { plan: 'paid' })]);
  expect(await planOf('repeated')).toBe('paid');
});
