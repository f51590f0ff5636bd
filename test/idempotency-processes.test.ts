import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type DeliveryProcesses, useDeliveryProcesses } from './support/delivery-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

vi.setConfig({ testTimeout: 120_000 });

const prepare = useDeliveryProcesses();
let sink: MailSink;
let processes: DeliveryProcesses;

beforeEach(async () => {
  sink = await mailSink(() => 0);
  processes = await prepare(sink, 2000);
});
afterEach(() => sink.close());

test('a process killed within the work blocks the key for a minute; then the work is done once', async () => {
  const { program, url } = await processes.start('api');
  const held = await hold('lock table jobs in share row exclusive mode');
  const lost = startJob(url).catch(() => undefined);
  await expect.poll(countLockWaits).toBeGreaterThan(0);
  program.killGroup('SIGKILL');
  await Promise.all([program.ended, lost]);
  await held.release();
  const next = (await processes.start('api')).url;
  expect(await startJob(next)).toMatchObject({ status: 409, code: 'idempotency_in_progress', retry: '2' });
  await endLocks();
  const { status, job_id } = await startJob(next);
  expect(status).toBe(202);
  expect(await jobs()).toEqual([job_id]);
});

test('a process killed after the work, before its response is kept, does not make it happen twice', async () => {
  const { program, url } = await processes.start('api');
  const work = await hold('lock table jobs in share row exclusive mode');
  const lost = startJob(url).catch(() => undefined);
  await expect.poll(countLockWaits).toBeGreaterThan(0);
  const held = await hold('lock table idempotency_keys in share mode');
  await work.release();
  await expect.poll(jobs).toHaveLength(1);
  program.killGroup('SIGKILL');
  await Promise.all([program.ended, lost]);
  await held.release();
  const next = (await processes.start('api')).url;
  await endLocks();
  const { status, job_id } = await startJob(next);
  expect(status).toBe(202);
  expect(await jobs()).toEqual([job_id]);
});

test('a frozen process that wakes after another took its key over changes neither the work nor the response', async () => {
  const first = await processes.start('api');
  const second = await processes.start('api');
  const held = await hold('lock table jobs in share row exclusive mode');
  const late = startJob(first.url);
  await expect.poll(countLockWaits).toBeGreaterThan(0);
  first.program.process.kill('SIGSTOP');
  await endLocks();
  await held.release();
  const quick = await startJob(second.url);
  expect(quick.status).toBe(202);
  first.program.process.kill('SIGCONT');
  // Its transaction was ended while it was frozen, and its key is no longer its own: it keeps and releases nothing.
  expect(await late).toMatchObject({ status: 503, code: 'unavailable' });
  expect(await startJob(second.url)).toMatchObject({ status: 202, job_id: quick.job_id, replayed: 'true' });
  expect(await jobs()).toEqual([quick.job_id]);
});

async function startJob(url: string | null) {
  const response = await fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
    body: JSON.stringify({ action: 'deliveries.retry', filter: {} }),
  });
  const { job_id, code } = (await response.json()) as { job_id?: string; code?: string };
  const [retry, replayed] = ['retry-after', 'idempotency-replayed'].map((name) => response.headers.get(name));
  return { status: response.status, job_id, code, retry, replayed };
}

/** Runs a statement in a transaction that stays open. */
async function hold(statement: string) {
  const connection = await processes.database.pool.connect();
  await connection.query('begin');
  await connection.query(statement);
  return {
    async release() {
      await connection.query('rollback');
      connection.release();
    },
  };
}

async function count(query: string): Promise<number> {
  return (await processes.database.pool.query(query)).rowCount ?? 0;
}

function countLockWaits(): Promise<number> {
  return count(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
}

async function jobs(): Promise<string[]> {
  const { rows } = await processes.database.pool.query<{ job_id: string }>('select job_id from jobs');
  return rows.map(({ job_id }) => job_id);
}

/** Lets the lock of every key that is under way end, as time does. */
async function endLocks(): Promise<void> {
  await processes.database.pool.query(`update idempotency_keys set locked_until = now() - interval '1 ms'`);
}
