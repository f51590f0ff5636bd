import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type InboxProcesses, useInboxProcesses } from './support/inbox-processes.ts';

/** A process that is killed, or frozen for longer than its lease, after it has stored items and before it has recorded that. */

vi.setConfig({ testTimeout: 120_000 });

const LEASE_MS = 2000;
const MESSAGES = 30;
const ONCE = { items: MESSAGES, unread: MESSAGES, doubled: 0 };

const prepare = useInboxProcesses(LEASE_MS);

/** Posts messages whose items are stored and whose settlements wait; returns what lets those go on. */
async function storeOnly(processes: InboxProcesses, url: string): Promise<() => Promise<void>> {
  const { pool } = processes.database;
  const blocker = await pool.connect();
  await blocker.query('begin');
  await blocker.query('lock table attempts in share mode');
  await processes.post(url, MESSAGES);
  const stored = async () => Number((await pool.query('select count(*) as count from inbox_items')).rows[0].count);
  await expect.poll(stored, { timeout: 20_000 }).toBe(MESSAGES);
  expect(await processes.countByStatus()).not.toHaveProperty('sent');
  return async () => {
    await blocker.query('commit');
    blocker.release();
  };
}

/** Ends what the connections of killed or frozen processes have begun, as the server does when it notices. */
async function endBackends(processes: InboxProcesses): Promise<void> {
  await processes.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'tidings work' and wait_event_type = 'Lock'`,
  );
}

test('killed in between: another process finds the items, and each message is in the inbox once', async () => {
  const processes = await prepare();
  const { url } = await processes.start('api');
  const { program } = await processes.start('workers');
  const release = await storeOnly(processes, url);
  program.killGroup('SIGKILL');
  await program.ended;
  await endBackends(processes);
  await release();
  await processes.start('workers');
  await expect.poll(() => processes.countByStatus(), { timeout: 60_000 }).toEqual({ sent: MESSAGES });
  expect(await processes.count(url)).toEqual(ONCE);
});

test('frozen in between, for longer than the lease: what it records when it wakes up changes nothing', async () => {
  const processes = await prepare();
  const { url } = await processes.start('api');
  const { program: frozen } = await processes.start('workers');
  const release = await storeOnly(processes, url);
  frozen.kill('SIGSTOP');
  await endBackends(processes);
  await release();
  await pause(1.5 * LEASE_MS);
  await processes.start('workers');
  await expect.poll(() => processes.countByStatus(), { timeout: 60_000 }).toEqual({ sent: MESSAGES });
  // Read before it wakes up: an item that is stored again would be unread again.
  const marked = await fetch(`${url}/api/v1/users/ann/inbox/read-all`, { method: 'POST' });
  expect(marked.status).toBe(200);
  frozen.kill('SIGCONT');
  await pause(2 * LEASE_MS);
  expect(await processes.countByStatus()).toEqual({ sent: MESSAGES });
  expect(await processes.count(url)).toEqual({ ...ONCE, unread: 0 });
});
