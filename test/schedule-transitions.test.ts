import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  claimSchedule,
  type DueSchedule,
  loadNextScheduleDue,
  saveSchedule,
  syncSchedules,
} from '../src/store/schedules.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Each change of a schedule's state, straight at its statement: which rows it changes, and which it must leave alone. */

const CLAIM_MS = 60_000;
const HOUR = 3_600_000;

let tidings: TestTidings;
let now: number;
let version: number;

beforeAll(async () => {
  tidings = await testTidings();
  now = tidings.clock.now;
  version = (await tidings.catalogs.getActive(TENANT))!.version;
});
beforeEach(async () => {
  await tidings.database.pool.query('truncate schedules');
});
afterAll(() => tidings.close());

describe('a claim of a schedule', () => {
  test('takes one from the moment it is due, and not before', async () => {
    await sync('hourly', now);
    expect(await claim(now - 1)).toBeUndefined();
    expect(await claim(now)).toMatchObject({ rule: 'R', zone: 'UTC', nextAt: now, cursor: null });
  });

  test('leaves alone what another worker has claimed, until that claim has expired', async () => {
    await sync('hourly', now);
    await claim(now);
    expect(await claim(now + CLAIM_MS)).toBeUndefined();
    expect(await claim(now + CLAIM_MS + 1)).toMatchObject({ rule: 'R' });
  });

  test('is not counted when asked what is due next', async () => {
    await sync('hourly', now);
    expect(await loadNextScheduleDue(tidings.database.pool)).toBe(now);
    await claim(now);
    expect(await loadNextScheduleDue(tidings.database.pool)).toBeNull();
  });
});

describe('progress', () => {
  test('is saved by the holder, and the next claim goes on from there', async () => {
    await sync('hourly', now);
    await save((await claim(now))!, { cursor: 'm', claimedUntil: null });
    expect(await claim(now)).toMatchObject({ nextAt: now, cursor: 'm' });
  });

  test('is not saved by a worker whose claim another one has taken over', async () => {
    await sync('hourly', now);
    const old = (await claim(now))!;
    await claim(now + CLAIM_MS + 1);
    await expect(save(old, { cursor: 'm' })).rejects.toThrow('no longer ours');
    expect(await rowOf()).toMatchObject({ cursor: null });
  });

  test('is not saved twice from one cursor', async () => {
    await sync('hourly', now);
    const held = (await claim(now))!;
    await save(held, { cursor: 'm' });
    await expect(save(held, { cursor: 'c' })).rejects.toThrow('no longer ours');
    expect(await rowOf()).toMatchObject({ cursor: 'm' });
  });

  test('is not saved for an occurrence that is over', async () => {
    await sync('hourly', now);
    const held = (await claim(now))!;
    await save(held, { nextAt: now + HOUR });
    await expect(save(held, { nextAt: now })).rejects.toThrow('no longer ours');
    expect(await rowOf()).toMatchObject({ next_at: now + HOUR });
  });
});

describe('another catalog', () => {
  test('with another pattern begins anew: the claim is void and nobody has had a turn', async () => {
    await sync('hourly', now);
    const held = (await claim(now))!;
    await save(held, { cursor: 'm' });
    await sync('daily', now + HOUR);
    expect(await rowOf()).toMatchObject({ cron: 'daily', next_at: now + HOUR, cursor: null, claimed_until: null });
    await expect(save({ ...held, cursor: 'm' }, { cursor: 'n' })).rejects.toThrow('no longer ours');
  });

  test('with the same pattern leaves the schedule as it is, even if two workers note it at once', async () => {
    const { pool } = tidings.database;
    const other = await pool.connect();
    try {
      await other.query('begin');
      await other.query(
        `insert into schedules (tenant_id, rule, zone, cron, next_at, cursor) values ($1, 'R', 'UTC', 'hourly', $2, 'm')`,
        [TENANT, new Date(now)],
      );
      const synced = sync('hourly', now + HOUR);
      await expect.poll(() => waitingForLocks()).toBe(1);
      await other.query('commit');
      await synced;
    } finally {
      other.release();
    }
    expect(await rowOf()).toMatchObject({ next_at: now, cursor: 'm' });
  });
});

// ---------------------------------------------------------------------------------------------------------------------

/** Stores the one rule, with its next occurrence. */
function sync(cron: string, next: number): Promise<boolean> {
  const rules = [{ name: 'R', cron, zone: 'UTC' }];
  return syncSchedules(tidings.database.pool, TENANT, version, rules, () => next, now);
}

function claim(at: number): Promise<DueSchedule | undefined> {
  return claimSchedule(tidings.database.pool, at, at + CLAIM_MS);
}

function save(held: DueSchedule, to: Partial<Parameters<typeof saveSchedule>[2]>): Promise<void> {
  return saveSchedule(tidings.database.pool, held, { ...held, ...to });
}

async function rowOf() {
  const { rows } = await tidings.database.pool.query('select * from schedules');
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function waitingForLocks(): Promise<number> {
  const { rows } = await tidings.database.pool.query(
    `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0].waiting;
}
