import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROCESS_CONNECTIONS } from '../src/store/pg/connections.ts';
import { NotifyListener } from '../src/store/pg/listener.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const LISTENING = `from pg_stat_activity where application_name = 'tidings wake-up' and datname = current_database()`;
const count = async () => (await database.pool.query(`select ${LISTENING}`)).rowCount;

test('all listeners of a process share one connection; each receives what its own channel has, and all learn that it was lost', async () => {
  const received: string[] = [];
  const names = Array.from({ length: 5 }, (_, i) => `channel_${i}`);
  const make = (name: string) =>
    new NotifyListener(database.url, name, ({ payload, missed }) =>
      received.push(`${name} ${missed ? 'missed' : payload}`),
    );
  const listeners = names.map(make);
  await Promise.all(listeners.map((one) => one.start()));
  expect(await count()).toBe(1);
  expect(received.sort()).toEqual(names.map((name) => `${name} missed`));
  received.length = 0;
  for (const name of names) await database.pool.query('select pg_notify($1, $2)', [name, 'hello']);
  await expect.poll(() => received).toEqual(names.map((name) => `${name} hello`));
  received.length = 0;
  await database.pool.query(`select pg_terminate_backend(pid) ${LISTENING}`);
  await expect.poll(() => [...received].sort(), { timeout: 10_000 }).toEqual(names.map((name) => `${name} missed`));
  expect(await count()).toBe(1);
  const [first, ...others] = listeners;
  for (const one of others) await one.stop();
  received.length = 0;
  await database.pool.query(`select pg_notify('channel_0', 'still')`);
  await expect.poll(() => received).toEqual(['channel_0 still']);
  await first?.stop();
  await expect.poll(count).toBe(0);
});

test('a listener that starts while the last one stops receives what is announced', async () => {
  const received: unknown[] = [];
  const first = new NotifyListener(database.url, 'one', () => {});
  await first.start();
  const stopped = first.stop();
  const second = new NotifyListener(database.url, 'one', ({ payload }) => received.push(payload));
  await second.start();
  await stopped;
  await database.pool.query(`select pg_notify('one', 'x')`);
  await expect.poll(() => received).toContain('x');
  await second.stop();
});

test('the documents state the number of connections of a process', () => {
  const text = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');
  expect(text).toContain(`One process of Tidings opens up to ${PROCESS_CONNECTIONS} connections`);
});
