import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type DeliveryProcesses, useDeliveryProcesses } from './support/delivery-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

vi.setConfig({ testTimeout: 120_000 });

const LEASE_MS = 2000;
const prepare = useDeliveryProcesses();
let sink: MailSink;
let processes: DeliveryProcesses;
let api: string;

beforeEach(async () => {
  sink = await mailSink(() => 0);
  processes = await prepare(sink, LEASE_MS);
  api = (await processes.start('api')).url as string;
});
afterEach(() => sink.close());

test('a job goes on in another process when its own is killed in the middle of a chunk, and does each item once', async () => {
  await stopped(2000);
  const held = await holdDelivery(700);
  const { program } = await processes.start('workers');
  const id = await startJob({});
  // The second chunk waits for the row that is held.
  await expect.poll(() => progress(id), { timeout: 20_000 }).toMatchObject({ status: 'running', done: 500 });
  await pause(100);
  program.killGroup('SIGKILL');
  await program.ended;
  await held.release();
  expect(await progress(id)).toMatchObject({ status: 'running', done: 500 });
  expect(await countDead()).toBe(1500);
  await processes.start('workers');
  await expect.poll(() => progress(id), { timeout: 60_000 }).toMatchObject({ status: 'done' });
  expect(await progress(id)).toMatchObject({ matched: 2000, done: 2000, skipped: 0, failed: 0 });
  expect(await countDead()).toBe(0);
});

test('a job survives kills at any moment: its counts are those of one run', async () => {
  await stopped(3000);
  const id = await startJob({ per_second: 1500 });
  for (const ms of [350, 800, 1200]) {
    const { program } = await processes.start('workers');
    await pause(ms);
    program.killGroup('SIGKILL');
    await program.ended;
  }
  await processes.start('workers');
  await expect.poll(() => progress(id), { timeout: 90_000 }).toMatchObject({ status: 'done' });
  expect(await progress(id)).toMatchObject({ matched: 3000, done: 3000, skipped: 0, failed: 0 });
  expect(await countDead()).toBe(0);
});

test('two processes share one job over 2,500 deliveries: in chunks of bounded size, each item once', async () => {
  await stopped(2500);
  const { program } = await processes.start('workers');
  await processes.start('workers');
  const before = residentBytes(program.process.pid);
  const id = await startJob({});
  await expect.poll(() => progress(id), { timeout: 90_000 }).toMatchObject({ status: 'done' });
  expect(await progress(id)).toMatchObject({ matched: 2500, done: 2500, skipped: 0, failed: 0 });
  const { rows } = await processes.database.pool.query('select fence from jobs');
  // Five chunks of 500: the last sees that nothing follows.
  expect(rows).toEqual([{ fence: 5 }]);
  const grown = residentBytes(program.process.pid) - before;
  expect(grown).toBeLessThan(150 * 1024 ** 2);
});

/** Makes deliveries that have stopped, as after an outage. */
async function stopped(count: number): Promise<void> {
  for (let posted = 0; posted < count; posted += 1000) {
    await processes.postEmails(api, 'mail', Math.min(1000, count - posted));
  }
  const { rowCount } = await processes.database.pool.query(
    `update deliveries set status = 'dead', finished_at = now(), reason_code = 'rejected'`,
  );
  expect(rowCount).toBe(count);
}

/** Locks the n-th delivery, as a statement under way does. */
async function holdDelivery(n: number): Promise<{ release: () => Promise<void> }> {
  const connection = await processes.database.pool.connect();
  await connection.query('begin');
  await connection.query(
    `select from deliveries where notification_id = (
       select notification_id from deliveries order by notification_id limit 1 offset $1) for update`,
    [n],
  );
  return {
    async release() {
      await connection.query('rollback');
      connection.release();
    },
  };
}

async function startJob(options: object): Promise<string> {
  const response = await fetch(`${api}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'deliveries.retry', filter: { channel: 'email' }, ...options }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { job_id: string }).job_id;
}

async function progress(id: string): Promise<object> {
  return (await fetch(`${api}/api/v1/jobs/${id}`)).json() as Promise<object>;
}

async function countDead(): Promise<number> {
  return (await processes.countByStatus()).dead ?? 0;
}

/** Returns the memory of a process; 0 where the system does not say. */
function residentBytes(pid: number | undefined): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return pages * 4096;
  } catch {
    return 0;
  }
}
