import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { catalogWith } from './support/timers.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Waits whose catalog version can no longer be read, in a real process. */

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

test('a wait that cannot be fired is tried again after growing pauses, set aside, shown, and fired when it is retried after the repair', async () => {
  const database = await testDatabase();
  cleanup.push(() => database.drop());
  const folder = mkdtempSync(join(tmpdir(), 'tidings-waits-'));
  cleanup.push(() => rmSync(folder, { recursive: true }));
  const env = {
    PORT: '0',
    DATABASE_URL: database.url,
    TIDINGS_CATALOG: folder,
    TIDINGS_DATA_DIR: folder,
    TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    TIDINGS_WATCH: 'false',
  };
  writeCatalog(folder, 'R: { on: began, delay: 2s, cancel_on: ended }');
  const first = await start(env);
  await post(first.url, 'broken', 'gone');
  await stop(first.program);
  // Another version with another content; that of the first is damaged.
  writeCatalog(folder, 'R: { on: began, delay: 2s, cancel_on: ended, expires: 1d }\n  S: { on: began, delay: 2s }');
  const { pool } = database;
  const { rows } = await pool.query('select content_hash, content from catalog_contents');
  await pool.query(`update catalog_contents set content = '{}'`);

  const { program, url } = await start(env);
  // Neither other users nor other waits of the same user wait for it, and an event of the user is decided.
  const [accepted] = await post(url, 'broken', 'fine');
  expect(accepted).toMatchObject({ status: 'accepted' });
  await expect.poll(() => count(database, `status = 'fired' and catalog_version = 2`), { timeout: 20_000 }).toBe(4);
  await expect.poll(() => attempts(database), { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
  const [held] = (await get(url, '/api/v1/waits?user_id=broken&status=waiting')).waits;
  expect(held.failure).toMatchObject({
    set_aside_at: null,
    reason: expect.stringContaining('catalog version 1 cannot be read'),
  });
  expect(Date.parse(held.failure.retry_at)).toBeGreaterThan(Date.now() - 60_000);
  expect((await get(url, '/healthz/ready')).status).toBe('ready');

  // As after 20 more minutes.
  await pool.query(`update waits set attempts = 7, retry_at = now(), claimed_until = null where status = 'waiting'`);
  await expect.poll(() => count(database, 'set_aside_at is not null'), { timeout: 40_000 }).toBe(2);
  const listed = await get(url, '/api/v1/waits?set_aside=true');
  expect(listed.waits).toMatchObject([{ status: 'waiting', failure: { attempts: 8, retry_at: null } }, {}]);
  expect(program.stderr + program.stdout).toMatch(/a wait could not be fired and is set aside/);
  await expect
    .poll(
      async () => (await get(url, '/healthz/ready')).checks.find(({ name }: { name: string }) => name === 'waits'),
      { timeout: 20_000 },
    )
    .toMatchObject({ status: 'degraded', cause: '2 waits could not be fired and are set aside' });
  const list = await cli(url, 'waits', 'list', '--set-aside');
  expect(list.stdout).toContain('set aside after 8 attempts: Error: its catalog version 1 cannot be read');
  const preview = await cli(url, 'waits', 'retry', '--all', '--preview');
  expect(preview.stdout).toContain('2');

  // One is dismissed although its version cannot be read; the other fires after the repair.
  const dismissed = listed.waits.find(({ user_id: user }: { user_id: string }) => user === 'gone');
  expect(await cli(url, 'waits', 'dismiss', dismissed.wait_id, '--yes')).toMatchObject({ code: 0 });
  expect(await count(database, `user_id = 'gone' and status = 'cancelled'`)).toBe(1);
  await stop(program);
  for (const { content_hash: hash, content } of rows) {
    await pool.query('update catalog_contents set content = $2 where content_hash = $1', [
      hash,
      JSON.stringify(content),
    ]);
  }
  const repaired = await start(env);
  expect(await cli(repaired.url, 'waits', 'retry', 'R')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1'),
  });
  await expect
    .poll(() => count(database, `user_id = 'broken' and status = 'fired' and catalog_version = 1`), { timeout: 20_000 })
    .toBe(1);
  expect(await count(database, 'set_aside_at is not null or failure is not null')).toBe(0);
  const again = await cli(repaired.url, 'waits', 'retry', dismissed.wait_id);
  expect(again.stderr).toContain('not set aside');
});

async function start(env: { readonly [name: string]: string }): Promise<{ program: Program; url: string }> {
  const program = tidingsDirectly(['start', '--json'], { env });
  cleanup.push(() => stop(program));
  return { program, url: (await program.ready()).url as string };
}

async function stop(program: Program): Promise<void> {
  program.killGroup('SIGKILL');
  await program.ended;
}

async function cli(url: string, ...args: string[]) {
  const program = tidingsDirectly(args, { env: { TIDINGS_URL: url } });
  const code = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

async function post(url: string, ...users: string[]) {
  const events = users.map((user) => ({
    user_id: user,
    event_type: 'began',
    event_timestamp: new Date().toISOString(),
    properties: { n: 1 },
  }));
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  return ((await response.json()) as { results: { status: string }[] }).results;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of several shapes; the test looks into them
async function get(url: string, path: string): Promise<any> {
  return (await fetch(`${url}${path}`)).json();
}

async function count({ pool }: TestDatabase, where: string): Promise<number> {
  return (await pool.query(`select count(*) as n from waits where ${where}`)).rows[0].n;
}

async function attempts({ pool }: TestDatabase): Promise<number> {
  return (await pool.query(`select min(attempts) as n from waits where status = 'waiting'`)).rows[0].n;
}

function writeCatalog(folder: string, rules: string): void {
  for (const [file, text] of catalogWith(rules)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
}
