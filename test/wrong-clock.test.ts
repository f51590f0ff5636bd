import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { type Running, run } from '../src/main.ts';
import { useDatabase } from './support/database.ts';

/** A process whose clock is wrong says so, and sends and fires nothing; what it stores has the time of the database. */

const AHEAD_MS = 370 * 86_400_000;

const database = useDatabase();
let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

test('a process whose clock is a year ahead waits until it is right, and then goes on', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const env = {
    DATABASE_URL: database().url,
    PORT: '0',
    TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    TIDINGS_PROVIDERS: 'email=noop',
    TIDINGS_WATCH: 'false',
    TIDINGS_POLL: '1s',
  };
  const config = readConfig(env, { catalogDir: fileURLToPath(new URL('../examples/fintech', import.meta.url)) });
  let offset = AHEAD_MS;
  running = await run({ api: true, workers: true }, config, log, () => Date.now() + offset);

  const readClock = async () => {
    const response = await fetch(`${running!.url}/healthz/ready`);
    const { checks } = (await response.json()) as { checks: { name: string; status: string; cause?: string }[] };
    const { status, cause } = checks.find(({ name }) => name === 'clock')!;
    return { code: response.status, status, cause };
  };
  expect(await readClock()).toEqual({
    code: 200,
    status: 'degraded',
    cause: expect.stringMatching(/^the clock of this process is 3196\d{4} s ahead of the clock of the database/),
  });
  const event = {
    event_id: 'e1',
    user_id: 'u1',
    event_type: 'signup_completed',
    event_timestamp: new Date().toISOString(),
    properties: {},
    user_traits: { email: 'maria@example.com', country: 'PT', marketing_opt_in: true },
  };
  const posted = await fetch(`${running.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  expect(posted.status).toBeLessThan(300);
  const { pool } = database();
  const count = async (sql: string) => Number((await pool.query(`select count(*) as n from ${sql}`)).rows[0].n);
  expect(await count(`events where abs(extract(epoch from received_at - now())) < 60`)).toBe(1);
  expect(await count(`deliveries where abs(extract(epoch from due_at - now())) < 60`)).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(await count(`deliveries where status <> 'queued'`)).toBe(0);
  expect(lines.filter((line) => line.includes('clock'))).toEqual([
    expect.stringContaining('The clock of this process is 370 d ahead of the database: it sends nothing'),
  ]);

  offset = 0;
  await expect.poll(() => count(`deliveries where status = 'queued'`), { timeout: 15_000 }).toBe(0);
  await expect.poll(readClock, { timeout: 15_000 }).toMatchObject({ code: 200, status: 'ok' });
});
