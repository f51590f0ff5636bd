import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ClaimLost,
  claimSchedule,
  type DueSchedule,
  deleteSchedules,
  loadNextScheduleDue,
  saveSchedule,
  upsertSchedules,
} from '../src/store/waits/schedules.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** Each statement that changes the state of a schedule: the rows it changes, and those it must leave alone. */

const TENANT = 'default';
const now = Date.parse('2025-11-20T12:00:00Z');
const CLAIM_MS = 60_000;
const HOUR = 3_600_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  await database.pool.query('truncate schedules');
});
afterAll(() => database.drop());

describe('a claim of a schedule', () => {
  test('returns one from the moment it is due, and not before', async () => {
    await store('hourly', now);
    expect(await claim(now - 1)).toBeUndefined();
    expect(await claim(now)).toMatchObject({ rule: 'R', zone: 'UTC', nextAt: now, cursor: null });
  });

  test('skips what another worker has claimed, until that claim has expired', async () => {
    await store('hourly', now);
    await claim(now);
    expect(await claim(now + CLAIM_MS)).toBeUndefined();
    expect(await claim(now + CLAIM_MS + 1)).toMatchObject({ rule: 'R' });
  });

  test('is not counted when asked what is due next', async () => {
    await store('hourly', now);
    expect(await loadNextScheduleDue(database.pool)).toBe(now);
    await claim(now);
    expect(await loadNextScheduleDue(database.pool)).toBeNull();
  });
});

describe('progress', () => {
  test('belongs to the current holder after a claim has expired', async () => {
    const due = now + HOUR;
    await store('0 * * * *', due);
    expect(await claim(now)).toBeUndefined();
    const first = (await claim(due))!;
    expect(first).toMatchObject({ rule: 'R', zone: 'UTC', nextAt: due, cursor: null });
    expect(await claim(due)).toBeUndefined();
    // The first holder stopped responding. Another worker claims the schedule, and then the first one comes back.
    const second = (await claim(due + 60_001))!;
    await expect(save(first, { nextAt: due, cursor: 'x', claimedUntil: null })).rejects.toThrow(
      'the claim on the schedule of rule R was lost',
    );
    await save(second, { nextAt: due, cursor: 'm', claimedUntil: null });
    expect(await claim(due + 60_001)).toMatchObject({ nextAt: due, cursor: 'm' });
  });

  test('is saved by the holder, and the next claim goes on from there', async () => {
    await store('hourly', now);
    await save((await claim(now))!, { cursor: 'm', claimedUntil: null });
    expect(await claim(now)).toMatchObject({ nextAt: now, cursor: 'm' });
  });

  test('is not saved by a worker that lost its claim', async () => {
    await store('hourly', now);
    const old = (await claim(now))!;
    await claim(now + CLAIM_MS + 1);
    await expect(save(old, { cursor: 'm' })).rejects.toThrow(ClaimLost);
    expect(await rowOf()).toMatchObject({ cursor: null });
  });

  test('is not saved twice from one cursor', async () => {
    await store('hourly', now);
    const held = (await claim(now))!;
    await save(held, { cursor: 'm' });
    await expect(save(held, { cursor: 'c' })).rejects.toThrow(ClaimLost);
    expect(await rowOf()).toMatchObject({ cursor: 'm' });
  });

  test('is not saved for an occurrence that is over', async () => {
    await store('hourly', now);
    const held = (await claim(now))!;
    await save(held, { nextAt: now + HOUR });
    await expect(save(held, { nextAt: now })).rejects.toThrow(ClaimLost);
    expect(await rowOf()).toMatchObject({ next_at: now + HOUR });
  });
});

describe('another catalog', () => {
  test('with another pattern is a schedule of its own: progress of one does not move the other', async () => {
    await store('daily', now + HOUR);
    await store('hourly', now);
    const held = (await claim(now))!;
    await save(held, { cursor: 'm' });
    const { rows } = await database.pool.query('select cron, cursor from schedules order by cron');
    expect(rows).toEqual([
      { cron: 'daily', cursor: null },
      { cron: 'hourly', cursor: 'm' },
    ]);
    await deleteSchedules(database.pool, TENANT, [{ rule: 'R', zone: 'UTC', cron: 'hourly' }]);
    expect(await rowOf()).toMatchObject({ cron: 'daily', next_at: now + HOUR });
    await expect(save({ ...held, cursor: 'm' }, { cursor: 'n' })).rejects.toThrow(ClaimLost);
  });

  test('with the same pattern leaves the schedule as it is, even if another worker writes it at the same time', async () => {
    const other = await database.pool.connect();
    try {
      await other.query('begin');
      await other.query(
        `insert into schedules (tenant_id, rule, zone, cron, next_at, cursor) values ($1, 'R', 'UTC', 'hourly', $2, 'm')`,
        [TENANT, new Date(now)],
      );
      const stored = store('hourly', now + HOUR);
      await expect.poll(() => waitingForLocks()).toBe(1);
      await other.query('commit');
      await stored;
    } finally {
      other.release();
    }
    expect(await rowOf()).toMatchObject({ next_at: now, cursor: 'm' });
  });
});

// ---------------------------------------------------------------------------------------------------------------------

/** Stores the schedule of the one rule, with its next occurrence. */
function store(cron: string, nextAt: number): Promise<void> {
  return upsertSchedules(database.pool, TENANT, [{ rule: 'R', zone: 'UTC', cron, nextAt }]);
}

function claim(at: number): Promise<DueSchedule | undefined> {
  return claimSchedule(database.pool, at, at + CLAIM_MS);
}

function save(held: DueSchedule, to: Partial<Parameters<typeof saveSchedule>[2]>): Promise<void> {
  return saveSchedule(database.pool, held, { ...held, ...to });
}

async function rowOf() {
  const { rows } = await database.pool.query('select * from schedules');
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function waitingForLocks(): Promise<number> {
  const { rows } = await database.pool.query(
    `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0].waiting;
}
