import { execFile } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { RetentionJob } from '../src/timers/retention.ts';
import { useDatabase } from './support/database.ts';
import { periodsOf, RetentionRows, stepAfter } from './support/retention-rows.ts';
import { silent } from './support/tidings.ts';

const run = promisify(execFile);
const DAY = 86_400_000;

const database = useDatabase();
const rows = new RetentionRows(database);
let dataDir: string;
beforeEach(async () => {
  await rows.clear();
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-retention-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

describe('the daily job', () => {
  const jobs: RetentionJob[] = [];
  afterEach(async () => {
    for (const job of jobs.splice(0)) await job.stop();
  });

  function startJobs(count: number, logged: object[] = []): void {
    const log = Object.assign(Object.create(silent), { info: (line: object) => logged.push(line) });
    for (let job = 0; job < count; job++) {
      jobs.push(new RetentionJob({ pool: rows.pool, periods: periodsOf(30), at: 0, log, interval: 50 }));
    }
    for (const job of jobs.slice(-count)) job.start();
  }

  const setCompleted = (time: number) =>
    rows.pool.query(
      `insert into metadata (name, value) values ('retention_completed_at', $1)
       on conflict (name) do update set value = excluded.value`,
      [String(time)],
    );

  test('runs once at its time, in one of several processes, and logs the numbers', async () => {
    await setCompleted(Date.now() - 2 * DAY);
    await rows.eventId('old', 31);
    const logged: object[] = [];
    startJobs(3, logged);
    await expect.poll(() => rows.names('event_ids'), { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => logged.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(logged).toEqual([expect.objectContaining({ rows: expect.objectContaining({ event_ids: 1 }), months: [] })]);
    await rows.eventId('old again', 31);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await rows.names('event_ids')).toEqual(['old again']);
  });

  test('a process that saw that it is due, and waited until another had run it, does not run it again', async () => {
    await setCompleted(Date.now() - 2 * DAY);
    await rows.eventId('old', 31);
    const steps = new EventEmitter();
    const [asked, completed, ended] = ['asked', 'completed', 'ended'].map((step) => once(steps, step));
    const connect = async () => {
      steps.emit('asked');
      await completed;
      const connection = await rows.pool.connect();
      const release = connection.release.bind(connection);
      return Object.assign(connection, { release: (error?: boolean) => steps.emit('ended', release(error)) });
    };
    const slow = { query: rows.pool.query.bind(rows.pool), connect } as unknown as pg.Pool;
    jobs.push(new RetentionJob({ pool: slow, periods: periodsOf(30), at: 0, log: silent }));
    jobs[0]?.start();
    await asked;
    const logged: object[] = [];
    startJobs(1, logged);
    await expect.poll(() => logged.length, { timeout: 10_000 }).toBe(1);
    await rows.eventId('old again', 31);
    steps.emit('completed');
    await ended;
    expect(await rows.names('event_ids')).toEqual(['old again']);
  });

  test('does not run on a new database before its time', async () => {
    await rows.eventId('old', 31);
    startJobs(1);
    await expect.poll(() => rows.names('metadata', 'name')).toContain('retention_completed_at');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await rows.names('event_ids')).toEqual(['old']);
  });

  test('continues a run that was interrupted, at the block where it was', async () => {
    await setCompleted(Date.now() - 2 * DAY);
    await rows.eventId('behind the position', 31);
    await rows.audit('old', 31);
    const progress = {
      startedAt: Date.now(),
      step: stepAfter('event_ids'),
      table: null,
      block: 0,
      result: { rows: {}, months: [], locked: [] },
    };
    await rows.pool.query(`insert into metadata (name, value) values ('retention_progress', $1)`, [
      JSON.stringify(progress),
    ]);
    startJobs(1);
    // The entry that stays is that of the run itself.
    await expect.poll(() => rows.names('audit_log', 'action'), { timeout: 10_000 }).toEqual(['retention.enforced']);
    expect(await rows.names('event_ids')).toEqual(['behind the position']);
    await expect.poll(() => rows.names('metadata', 'name')).toEqual(['retention_completed_at']);
  });
});

describe('tidings retention run', () => {
  const tidings = (...args: string[]) =>
    run(process.execPath, ['bin/tidings.mjs', 'retention', 'run', '--yes', ...args], {
      env: { ...process.env, DATABASE_URL: database().url, TIDINGS_DATA_DIR: dataDir, TIDINGS_RETAIN_EVENT_IDS: '30d' },
    });

  test('counts with --dry-run, and removes without', async () => {
    await rows.eventId('old', 31);
    expect(JSON.parse((await tidings('--dry-run', '--json')).stdout)).toEqual({
      dry_run: true,
      rows: expect.objectContaining({ event_ids: 1 }),
      months: [],
      locked: [],
    });
    expect(await rows.names('event_ids')).toEqual(['old']);
    expect((await tidings()).stdout).toBe('Removed:\n  event_ids: 1 row\n');
    expect(await rows.names('event_ids')).toEqual([]);
    expect((await tidings()).stdout).toBe('Nothing is older than its retention period.\n');
  });

  test('is completed by the next run after it was killed', async () => {
    await rows.pool.query(
      `insert into event_ids (tenant_id, key, content_hash, user_id, event_time, received_at)
       select case n % 2 when 0 then 'old' else 'recent' end, gen_random_uuid(), gen_random_uuid(), 'u', now(),
              now() - (n % 2) * interval '-1 second' - (1 - n % 2) * interval '60 days'
       from generate_series(1, 200000) as n`,
    );
    const count = async (tenant: string) =>
      (await rows.pool.query('select count(*) from event_ids where tenant_id = $1', [tenant])).rows[0].count;
    const killed = tidings();
    killed.catch(() => {});
    await expect.poll(() => count('old'), { interval: 1, timeout: 60_000 }).toBeLessThan(100_000);
    killed.child.kill('SIGKILL');
    await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' });
    await expect.poll(() => tidings().then(({ stdout }) => stdout), { timeout: 60_000 }).toMatch(/^(Removed|Nothing)/);
    expect([await count('old'), await count('recent')]).toEqual([0, 100_000]);
  });
});

describe('retention settings', () => {
  const read = (env: { [name: string]: string }) =>
    readConfig({ TIDINGS_DATA_DIR: dataDir, ...env }, { catalogDir: '' });

  test('have defaults, and accept durations, forever and never', () => {
    expect(read({})).toMatchObject({ retentionAt: 12_600_000, retention: { messages: 400 * DAY, events: null } });
    const given = { TIDINGS_RETAIN_EVENTS: '31d', TIDINGS_RETAIN_MESSAGES: 'forever', TIDINGS_RETENTION_AT: 'never' };
    expect(read(given)).toMatchObject({ retentionAt: null, retention: { events: 31 * DAY, messages: null } });
  });

  test.each([
    [{ TIDINGS_RETAIN_EVENTS: '30d' }, 'TIDINGS_RETAIN_EVENTS is 30d; it must be at least 31d, or forever'],
    [{ TIDINGS_RETAIN_WAITS: 'soon' }, /^TIDINGS_RETAIN_WAITS: .*, or forever$/],
    [{ TIDINGS_RETENTION_AT: '24:00' }, /^TIDINGS_RETENTION_AT is "24:00"; it must be a time of day in UTC/],
  ])('reject %j', (env, message) => {
    expect(() => read(env)).toThrow(message);
  });
});
