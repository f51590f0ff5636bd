import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkEncryptionKey } from '../src/store/metadata.ts';
import { type WholeTidings, wholeTidings, withKeys } from './support/whole-tidings.ts';

/** The encryption key is changed while Tidings runs, and nothing that is sealed, hashed or pending is lost by it. */

const run = promisify(execFile);
const DAY = 86_400_000;
const RULES = `
  MAIL: { on: began }
  LATER: { on: came, key: event.by, delay: 1d, cancel_on: ended }
  ONCE: { on: came, key: event.by, limit: once }
`;
const NEW_KEY = randomBytes(32).toString('base64');
const SEALED = ['addresses', 'rejected_events', 'users', 'waits', 'notifications', 'messages', 'events'];

let whole: WholeTidings;
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-keys-'));
  whole = await wholeTidings(RULES, { 'MAIL/email.en.txt': 'For {{event.by}}', 'LATER/in_app.en.txt': '{{event.by}}' });
  await checkEncryptionKey(whole.tidings.database.pool, whole.tidings.seal);
  await whole.post('began', { by: 'maria@example.com' }, { email: 'a.user@example.com', friend: 'maria@example.com' });
  await whole.post('came', { by: 'maria@example.com' });
  await whole.post('came', { by: 'mark@example.com' });
  await whole.post('came', { by: 'martha@example.com' });
  await whole.post('ended', { by: 'martha@example.com' });
  await whole.tidings.pipeline.ingest('default', [{ user_id: 'u1', note: 'maria@example.com' }]);
  await whole.pass(0);
});
afterEach(async () => {
  await whole.close();
  await rm(dataDir, { recursive: true });
});

/** Runs the command with these keys. Returns what it prints. */
async function rotate(...keys: string[]): Promise<{ stdout: string; stderr: string; code?: number }> {
  const env = {
    ...process.env,
    DATABASE_URL: whole.tidings.database.url,
    TIDINGS_DATA_DIR: dataDir,
    TIDINGS_ENCRYPTION_KEY: keys.join(','),
  };
  return run(process.execPath, ['bin/tidings.mjs', 'keys', 'rotate-encryption', '--json'], { env }).catch((e) => e);
}

/** The sealed values of all tables that begin with another key than this one, or have another key beside them. */
async function countSealed(): Promise<{ [table: string]: number }> {
  const counts: { [table: string]: number } = {};
  for (const table of SEALED) {
    const sql = `select count(sealed) as sealed from ${table}`;
    counts[table] = Number((await whole.tidings.database.pool.query(sql)).rows[0].sealed);
  }
  return counts;
}

test('everything opens with the new key alone; keys, limits and waits stay what they are', async () => {
  const before = await countSealed();
  for (const table of SEALED) expect(before[table], table).toBeGreaterThan(0);
  const { stdout, stderr } = await rotate(NEW_KEY, whole.tidings.key);
  // Progress, which a slow machine gets.
  expect(stderr.replace(/^pass \d+: .+\n/gm, '')).toBe('');
  const resealed = Object.values(before).reduce((sum, count) => sum + count);
  expect(JSON.parse(stdout)).toMatchObject({ resealed, unreadable: 0 });
  expect(await countSealed()).toEqual(before);
  expect(JSON.parse((await rotate(NEW_KEY)).stdout)).toMatchObject({ resealed: 0, unreadable: 0 });

  await withKeys(whole.tidings, NEW_KEY);
  const again = await whole.post('came', { by: 'mark@example.com', again: true });
  expect(again.find(({ rule }) => rule === 'ONCE')?.reason_code).toBe('limit_reached');
  await whole.post('ended', { by: 'mark@example.com' });
  await whole.post('began', { by: 'mark@example.com' }, {});
  await whole.pass(2 * DAY);
  // The wait of maria is left: that of martha and those of mark were cancelled.
  expect((await whole.messages('LATER')).map(({ text }) => text)).toEqual(['m…@example.com']);
  expect((await whole.messages('MAIL')).map(({ to }) => to)).toEqual(['a…@example.com', 'a…@example.com']);
  expect(whole.unreadable).toEqual([]);
  expect(await whole.reproduce()).toMatchObject({ different: 0 });
});

test('a process with both keys runs before, meanwhile and after; one with the old key alone does not start after', async () => {
  const { pool } = whole.tidings.database;
  const { key } = whole.tidings;
  await withKeys(whole.tidings, key, NEW_KEY);
  await whole.post('came', { by: 'zoe@example.com' });
  await withKeys(whole.tidings, NEW_KEY, key);
  await whole.post('came', { by: 'zoe@example.com', n: 2 });
  await expect(withKeys(whole.tidings, NEW_KEY)).rejects.toThrow(/TIDINGS_ENCRYPTION_KEY/);
  await rotate(NEW_KEY, key);
  await whole.post('came', { by: 'zoe@example.com', n: 3 });
  await withKeys(whole.tidings, NEW_KEY);
  await expect(withKeys(whole.tidings, key)).rejects.toThrow(/TIDINGS_ENCRYPTION_KEY/);
  const { rows } = await pool.query(`select count(*) from limit_uses where limit_key like 'ONCE [z%'`);
  expect(Number(rows[0].count)).toBe(1);
});

test('an interrupted rotation continues, and looks at everything once more', async () => {
  const { pool } = whole.tidings.database;
  // As a run leaves it that was killed after the users.
  const state = {
    to: '',
    pass: 1,
    tableIndex: 3,
    cursor: null,
    inPass: 5,
    table: 'waits',
    rows: 5,
    resealed: 5,
    unreadable: 0,
  };
  await rotate(NEW_KEY, whole.tidings.key);
  const { rows } = await pool.query(`select value from metadata where name = 'encryption_key'`);
  const third = randomBytes(32).toString('base64');
  const done = JSON.parse((await rotate(third, NEW_KEY)).stdout);
  await pool.query(`insert into metadata values ('key_rotation', $1)`, [
    JSON.stringify({ ...state, to: rows[0].value }),
  ]);
  const back = JSON.parse((await rotate(NEW_KEY, third)).stdout);
  expect(back).toMatchObject({ key_id: rows[0].value, unreadable: 0, resealed: done.resealed + 5 });
});

test('what no key opens is counted, and stays as it is', async () => {
  const { pool } = whole.tidings.database;
  await pool.query(
    `update messages set sealed = set_byte(sealed, octet_length(sealed) - 1, 255 - get_byte(sealed, octet_length(sealed) - 1))`,
  );
  const { stdout, code } = await rotate(NEW_KEY, whole.tidings.key);
  const { messages } = await countSealed();
  expect(code).toBe(1);
  expect(JSON.parse(stdout).unreadable).toBe(messages);
});

test('only one rotation runs at a time', async () => {
  const connection = await whole.tidings.database.pool.connect();
  await connection.query('select pg_advisory_lock(7318225)');
  const { stderr, code } = await rotate(NEW_KEY, whole.tidings.key);
  connection.release(true);
  expect(code).toBe(1);
  expect(stderr).toContain('another process rotates the encryption key');
});
