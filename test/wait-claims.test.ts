import { beforeEach, describe, expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { createWait, DAY, firedWait, NOW, TRIGGER, WaitStore } from './support/waits.ts';

const database = useDatabase();
const store = new WaitStore(() => database().pool);

beforeEach(async () => {
  await store.pool.query('truncate waits');
});

describe('claims of due waits', () => {
  test('return the users whose waits have been due longest, and exclude other claims until they expire', async () => {
    const due = (userId: string, ago: number) => createWait({ userId, dueAt: NOW - ago });
    await store.save(due('c', 10), due('a', 30), due('b', 20), due('a', 5), due('late', -1));
    const claim = (at: number, limit: number) => store.claim(at, limit);
    expect(await store.nextDue()).toBe(NOW - 30);
    expect(await claim(NOW, 2)).toEqual([
      { tenantId: 'default', userId: 'a', dueAt: NOW - 30 },
      { tenantId: 'default', userId: 'b', dueAt: NOW - 20 },
    ]);
    expect(await store.nextDue()).toBe(NOW - 10);
    expect((await claim(NOW, 10)).map(({ userId }) => userId)).toEqual(['c', 'a']);
    expect(await claim(NOW, 10)).toEqual([]);
    expect(await store.nextDue()).toBe(NOW + 1);
    // The claims have expired.
    expect((await claim(NOW + 60_001, 10)).map(({ userId }) => userId)).toEqual(['a', 'b', 'c', 'late']);
  });

  test('return large waits in portions, in order', async () => {
    const state = { trigger: { ...TRIGGER, properties: { text: 'x'.repeat(1_000_000) } } };
    const all = Array.from({ length: 40 }, (_, n) => createWait({ userId: `p ${n}`, dueAt: NOW - 100 + n, state }));
    await store.save(...all.slice(0, 20));
    await store.save(...all.slice(20));
    const claims: number[] = [];
    const claimed: string[] = [];
    const claim = () => store.claim(NOW, 500);
    for (let users = await claim(); users.length > 0; users = await claim()) {
      claims.push(users.length);
      claimed.push(...users.map(({ userId }) => userId));
    }
    expect(claims).toEqual([17, 17, 6]);
    expect(claimed).toEqual(all.map(({ userId }) => userId));
  });

  test('never return the same wait to two workers at once', async () => {
    await store.fill(1000, 1000, -DAY);
    const claims = await Promise.all(Array.from({ length: 10 }, () => store.claim(NOW, 100)));
    const users = claims.flat().map(({ userId }) => userId);
    expect(users).toHaveLength(1000);
    expect(new Set(users).size).toBe(1000);
  });

  test('end when the wait moves, and when it ends', async () => {
    const [one, other] = [createWait({ dueAt: NOW }), createWait({ dueAt: NOW })];
    await store.save(one, other);
    await store.claim(NOW, 10, NOW + DAY);
    await store.save({ ...one, dueAt: NOW + 1, stored: 'changed' }, firedWait(other));
    expect(await store.claim(NOW + 1, 10, NOW + DAY)).toHaveLength(1);
    expect((await store.row(other)).claimed_until).toBeNull();
  });
});
