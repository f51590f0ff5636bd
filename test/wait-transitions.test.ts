import { beforeEach, describe, expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { CLAIM_MS, createWait, HOUR, NOW, WaitStore } from './support/waits.ts';

/** Each statement that changes the state of a wait: the rows it changes, and those it must leave alone. */

const database = useDatabase();
const store = new WaitStore(() => database().pool);

beforeEach(async () => {
  await store.pool.query('truncate waits');
});

describe('a claim of waits', () => {
  test('returns a wait from the moment it is due, and not before', async () => {
    await store.save(createWait({ dueAt: NOW }));
    expect(await claim(NOW - 1)).toEqual([]);
    expect(await claim(NOW)).toEqual(['u']);
  });

  test('returns those that are due longest, up to the limit', async () => {
    await store.save(createWait({ userId: 'b', dueAt: NOW - 2 }), createWait({ userId: 'c', dueAt: NOW - 1 }));
    await store.save(createWait({ userId: 'a', dueAt: NOW - 3 }));
    expect(await claim(NOW, 2)).toEqual(['a', 'b']);
  });

  test('skips what another worker has claimed, until that claim has expired', async () => {
    await store.save(createWait({ dueAt: NOW }));
    await claim(NOW);
    expect(await claim(NOW + CLAIM_MS - 1)).toEqual([]);
    expect(await claim(NOW + CLAIM_MS)).toEqual([]);
    expect(await claim(NOW + CLAIM_MS + 1)).toEqual(['u']);
  });

  test('skips a wait that another claim has locked', async () => {
    const [taken, free] = [createWait({ userId: 'taken', dueAt: NOW }), createWait({ userId: 'free', dueAt: NOW })];
    await store.save(taken, free);
    const connection = await store.pool.connect();
    try {
      await connection.query('begin');
      await connection.query('select from waits where wait_id = $1 for update', [taken.waitId]);
      expect(await claim(NOW)).toEqual(['free']);
    } finally {
      await connection.query('rollback');
      connection.release();
    }
  });

  test.each(['fired', 'cancelled'] as const)('skips a wait that was %s', async (status) => {
    await store.save(createWait({ dueAt: NOW, status, endedAt: NOW }));
    expect(await claim(NOW)).toEqual([]);
    expect(await store.nextDue()).toBeNull();
  });

  test('keeps its waits out of the next due time', async () => {
    await store.save(createWait({ dueAt: NOW }), createWait({ dueAt: NOW + HOUR }));
    expect(await store.nextDue()).toBe(NOW);
    await claim(NOW);
    expect(await store.nextDue()).toBe(NOW + HOUR);
  });
});

describe('a wait', () => {
  test('starts once', async () => {
    const one = createWait();
    await store.save(one);
    await expect(store.save(one)).rejects.toMatchObject({ code: '23505' });
  });

  test('ends once', async () => {
    const one = createWait();
    await store.save(one);
    await store.save({ ...one, status: 'fired', endedAt: NOW, stored: 'changed' });
    const late = { ...one, status: 'cancelled', endedAt: NOW + 1, stored: 'changed' } as const;
    await expect(store.save(late)).rejects.toMatchObject({ code: '40001' });
    expect(await statuses()).toEqual(['fired']);
  });

  test('that has moved may be claimed again at its new time', async () => {
    const one = createWait({ dueAt: NOW });
    await store.save(one);
    await claim(NOW);
    await store.save({ ...one, dueAt: NOW + 1, stored: 'changed' });
    expect(await claim(NOW + 1)).toEqual(['u']);
  });
});

/** Returns the users whose waits were claimed. */
async function claim(now: number, limit = 10): Promise<string[]> {
  return (await store.claim(now, limit)).map(({ userId }) => userId);
}

async function statuses(): Promise<string[]> {
  const { rows } = await store.pool.query<{ status: string }>('select status from waits');
  return rows.map(({ status }) => status);
}
