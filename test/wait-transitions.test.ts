import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Wait } from '../src/rules/facts.ts';
import { claimDueWaits, loadNextWaitDue, moveWaits, writeWaits } from '../src/store/waits.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** Each change of a wait's state, straight at its statement: which rows it changes, and which it must leave alone. */

const TENANT = 'default';
const NOW = Date.parse('2025-11-20T12:00:00Z');
const CLAIM_MS = 60_000;
const HOUR = 3_600_000;

let database: TestDatabase;
let made = 0;

beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  await database.pool.query('truncate waits');
});
afterAll(() => database.drop());

describe('a claim of waits', () => {
  test('takes a wait from the moment it is due, and not before', async () => {
    await save(wait({ dueAt: NOW }));
    expect(await claim(NOW - 1)).toEqual([]);
    expect(await claim(NOW)).toEqual(['u']);
  });

  test('takes those that are due longest, as many as asked for', async () => {
    await save(wait({ userId: 'b', dueAt: NOW - 2 }), wait({ userId: 'c', dueAt: NOW - 1 }));
    await save(wait({ userId: 'a', dueAt: NOW - 3 }));
    expect(await claim(NOW, 2)).toEqual(['a', 'b']);
  });

  test('leaves alone what another worker has claimed, until that claim has expired', async () => {
    await save(wait({ dueAt: NOW }));
    await claim(NOW);
    expect(await claim(NOW + CLAIM_MS - 1)).toEqual([]);
    expect(await claim(NOW + CLAIM_MS)).toEqual([]);
    expect(await claim(NOW + CLAIM_MS + 1)).toEqual(['u']);
  });

  test('passes over a wait that another claim is taking at this moment', async () => {
    const [taken, free] = [wait({ userId: 'taken', dueAt: NOW }), wait({ userId: 'free', dueAt: NOW })];
    await save(taken, free);
    const connection = await database.pool.connect();
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
    await save(wait({ dueAt: NOW, status, endedAt: NOW }));
    expect(await claim(NOW)).toEqual([]);
    expect(await loadNextWaitDue(database.pool)).toBeNull();
  });

  test('is not counted when asked what is due next', async () => {
    await save(wait({ dueAt: NOW }), wait({ dueAt: NOW + HOUR }));
    expect(await loadNextWaitDue(database.pool)).toBe(NOW);
    await claim(NOW);
    expect(await loadNextWaitDue(database.pool)).toBe(NOW + HOUR);
  });
});

describe('a wait', () => {
  test('begins once', async () => {
    const one = wait();
    await save(one);
    await expect(save(one)).rejects.toMatchObject({ code: '23505' });
  });

  test('ends once', async () => {
    const one = wait();
    await save(one);
    await save({ ...one, status: 'fired', endedAt: NOW, stored: 'changed' });
    const late: Wait = { ...one, status: 'cancelled', endedAt: NOW + 1, stored: 'changed' };
    await expect(save(late)).rejects.toMatchObject({ code: '40001' });
    expect(await statuses()).toEqual(['fired']);
  });

  test('that has moved may be claimed again at its new time', async () => {
    const one = wait({ dueAt: NOW });
    await save(one);
    await claim(NOW);
    await save({ ...one, dueAt: NOW + 1, stored: 'changed' });
    expect(await claim(NOW + 1)).toEqual(['u']);
  });
});

describe('a move to another catalog version', () => {
  test('changes open waits of the rule, the users and the kind, and counts the others that are open', async () => {
    const waits = {
      moved: wait(),
      fired: wait({ status: 'fired', endedAt: NOW }),
      otherKind: wait({ kind: 'digest' }),
      otherRule: wait({ rule: 'B' }),
      otherUser: wait({ userId: 'v' }),
      there: wait({ catalogVersion: 2 }),
    };
    await save(...Object.values(waits));
    expect(await moveWaits(database.pool, TENANT, 'A', ['u'], { version: 2, kind: 'delay' })).toEqual({
      changed: 1,
      skipped: 1,
    });
    const { rows } = await database.pool.query('select wait_id from waits where catalog_version = 2 order by wait_id');
    expect(rows.map(({ wait_id }) => wait_id)).toEqual([waits.moved.waitId, waits.there.waitId]);
  });
});

// ---------------------------------------------------------------------------------------------------------------------

function wait(values: Partial<Wait> = {}): Wait {
  const key = '00000000-0000-8000-8000-00000000000e';
  const trigger = { key, eventId: 'e', type: 'began', time: NOW - HOUR, properties: {}, traits: {} };
  return {
    waitId: `00000000-0000-8000-8000-${String(++made).padStart(12, '0')}`,
    userId: 'u',
    rule: 'A',
    key: '',
    kind: 'delay',
    catalogVersion: 1,
    beganAt: NOW - HOUR,
    status: 'waiting',
    dueAt: NOW + HOUR,
    triggerTime: NOW - HOUR,
    state: { trigger },
    endedAt: null,
    stored: 'new',
    ...values,
  };
}

function save(...waits: Wait[]): Promise<void> {
  return writeWaits(
    database.pool,
    TENANT,
    waits.map((one) => ({ wait: one, decisions: [] })),
    NOW,
  );
}

/** Returns the users whose waits were claimed. */
async function claim(now: number, limit = 10): Promise<string[]> {
  const due = await claimDueWaits(database.pool, now, now + CLAIM_MS, limit);
  return due.map(({ userId }) => userId);
}

async function statuses(): Promise<string[]> {
  const { rows } = await database.pool.query<{ status: string }>('select status from waits');
  return rows.map(({ status }) => status);
}
