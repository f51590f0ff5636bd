import { afterAll, beforeAll, expect, test } from 'vitest';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** A profile is read and written with each event of its user: it must not grow without a bound. */

let tidings: TestTidings;
let users = 0;

beforeAll(async () => {
  tidings = await testTidings();
});

afterAll(async () => {
  await tidings.close();
});

const event = (userId: string, traits: object, more: object = {}) => ({
  user_id: userId,
  event_type: 'seen',
  event_timestamp: '2025-11-20T10:00:00Z',
  user_traits: traits,
  ...more,
});

const names = (from: number, to: number) =>
  Object.fromEntries(Array.from({ length: to - from }, (_, n) => [`trait_${from + n}`, n]));

test('accepts 1000 traits, and rejects the event with the next one', async () => {
  const user = `u ${users++}`;
  const results = await tidings.ingest([
    event(user, names(0, 600)),
    event(user, names(600, 1000)),
    event(user, names(1000, 1001)),
    event(user, names(0, 1000), { properties: { n: 1 } }),
  ]);
  expect(results.map(({ status, code }) => code ?? status)).toEqual([
    'accepted',
    'accepted',
    'profile_too_large',
    'accepted',
  ]);
  expect(results[2]).toMatchObject({ path: 'user_traits', message: expect.stringContaining('1001 traits') });
});

test('accepts 64 KiB of traits, and rejects more, also over several requests', async () => {
  const user = `u ${users++}`;
  const text = (kib: number) => 'x'.repeat(kib * 1024);
  expect((await tidings.ingest([event(user, { a: text(40) })]))[0]).toMatchObject({ status: 'accepted' });
  expect((await tidings.ingest([event(user, { b: text(30) })]))[0]).toMatchObject({ code: 'profile_too_large' });
  expect(
    (await tidings.ingest([event(user, { a: text(1) }, { event_timestamp: '2025-11-20T10:00:01Z' })]))[0],
  ).toMatchObject({
    status: 'accepted',
  });
  expect((await tidings.ingest([event(user, { b: text(30) })]))[0]).toMatchObject({ status: 'accepted' });
});

test('an event that repeats a rejected one in the same request is rejected as well, and both are in the quarantine', async () => {
  const one = event(`u ${users++}`, names(0, 1001), { event_id: 'too large' });
  const results = await tidings.ingest([one, one]);
  expect(results.map(({ code }) => code)).toEqual(['profile_too_large', 'profile_too_large']);
  const { rows } = await tidings.database.pool.query(`select times from rejected_events where event_id = 'too large'`);
  expect(rows).toHaveLength(1);
});

test('a user whose profile is too large already stays usable: it may change, but not grow', async () => {
  const user = `u ${users++}`;
  await tidings.ingest([event(user, { a: 1 })]);
  await tidings.database.pool.query(
    `update users set traits = $3, trait_times = '{}' where tenant_id = $1 and user_id = $2`,
    [TENANT, user, JSON.stringify(names(0, 45_000))],
  );
  const later = { event_timestamp: '2025-11-20T11:00:00Z' };
  const results = await tidings.ingest([
    event(user, {}, later),
    event(user, { trait_7: 'changed' }, later),
    event(user, { another: 1 }, later),
  ]);
  expect(results.map(({ status, code }) => code ?? status)).toEqual([
    'accepted',
    'profile_too_large',
    'profile_too_large',
  ]);
  const shorter = await tidings.ingest([event(user, { trait_44999: 1 }, later)]);
  expect(shorter[0]).toMatchObject({ status: 'accepted' });
});
