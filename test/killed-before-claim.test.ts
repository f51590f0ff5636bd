import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { testDatabase } from './support/database.ts';
import { deliveryCatalog, eventOf } from './support/deliveries.ts';
import { tidingsDirectly } from './support/program.ts';

/** Processes that are killed between a decision and the claim of its delivery. */

vi.setConfig({ testTimeout: 120_000 });
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

const HEADERS = { 'content-type': 'application/json' };

test('a mute after the kill stops what was decided before it, and what is not muted is sent once', async () => {
  const database = await testDatabase();
  cleanup.push(() => database.drop());
  const folder = mkdtempSync(join(tmpdir(), 'tidings-killed-'));
  cleanup.push(async () => rmSync(folder, { recursive: true }));
  for (const [file, text] of deliveryCatalog()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const env = {
    DATABASE_URL: database.url,
    PORT: '0',
    TIDINGS_CATALOG: folder,
    TIDINGS_DATA_DIR: folder,
    TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    TIDINGS_LEASE: '4s',
    TIDINGS_POLL: '1s',
    TIDINGS_WATCH: 'false',
  };
  const start = async (command: 'api' | 'workers') => {
    const program = tidingsDirectly([command, '--json'], { env });
    cleanup.push(async () => {
      program.killGroup('SIGKILL');
      await program.ended;
    });
    return { program, url: (await program.ready()).url as string };
  };
  const first = await start('api');
  const events = [
    eventOf('mail', { user: 'muted' }),
    eventOf('text', { user: 'muted', traits: { phone: '+351912345678' } }),
    eventOf('mail', { user: 'other' }),
  ];
  const posted = await fetch(`${first.url}/api/v1/events`, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify(events),
  });
  expect(posted.status).toBe(202);
  first.program.killGroup('SIGKILL');
  await first.program.ended;

  const second = await start('api');
  const muted = await fetch(`${second.url}/api/v1/users/muted/preferences`, {
    method: 'PATCH',
    headers: HEADERS,
    body: JSON.stringify({ channels: { email: false } }),
  });
  expect(muted.status).toBe(200);
  const worker = await start('workers');
  const deliveries = async () => {
    const { rows } = await database.pool.query(
      'select user_id, channel, status, reason_code, attempts from deliveries order by user_id, channel',
    );
    return rows;
  };
  await expect
    .poll(async () => (await deliveries()).filter(({ status }) => ['queued', 'sending'].includes(status)), {
      timeout: 60_000,
    })
    .toEqual([]);
  worker.program.killGroup('SIGKILL');
  await worker.program.ended;
  expect(await deliveries()).toMatchObject([
    { user_id: 'muted', channel: 'email', status: 'dropped', reason_code: 'preference_off', attempts: 0 },
    { user_id: 'muted', channel: 'sms', attempts: 1 },
    { user_id: 'other', channel: 'email', attempts: 1 },
  ]);
  expect((await database.pool.query(`select from messages where channel = 'email'`)).rowCount).toBe(1);
});
