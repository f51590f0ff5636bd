import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from './support/database.ts';
import { emptyDatabase, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A file that is not a complete, unchanged dump is rejected in one sentence, and the database stays empty. */

let tidings: TestTidings;
let target: TestDatabase;
let folder: { path: string; remove: () => Promise<void> };
let bytes: Buffer;
let lines: string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  target = await emptyDatabase();
  tidings = await testTidings();
  await recordKey(tidings);
  await tidings.ingest([
    { user_id: 'u1', event_type: 'signup_completed', event_timestamp: '2025-11-20T10:00:00Z', user_traits: { a: 'b' } },
  ]);
  const file = join(folder.path, 'whole.gz');
  await runTidings(['dump', file], toEnv(tidings.database, tidings.key, folder.path));
  bytes = await readFile(file);
  lines = gunzipSync(bytes).toString().split('\n');
});
afterAll(async () => {
  await tidings.close();
  await target.drop();
  await folder.remove();
});

/** Tries to restore these bytes. Returns what is printed. */
async function restore(content: Buffer, key = tidings.key, ...args: string[]): Promise<string> {
  const file = join(folder.path, `${randomBytes(4).toString('hex')}.gz`);
  await writeFile(file, content);
  const { code, stderr, stdout } = await runTidings(['restore', file, ...args], toEnv(target, key, folder.path));
  expect(code).toBe(1);
  expect(stdout.toString()).toBe('');
  const { rows } = await target.pool.query(`select count(*)::int as tables from pg_class where relkind in ('r', 'p') and
    relnamespace = 'public'::regnamespace`);
  expect(rows[0].tables).toBe(0);
  return stderr;
}

/** Returns the dump with one line replaced. */
function withLine(find: (line: string) => boolean, change: (line: string) => string | null): Buffer {
  const at = lines.findIndex(find);
  const changed = change(lines[at] as string);
  return gzipSync([...lines.slice(0, at), ...(changed === null ? [] : [changed]), ...lines.slice(at + 1)].join('\n'));
}

const DAMAGED = 'tidings: the dump is damaged: its content is not what was written; nothing was restored\n';
const INCOMPLETE = 'tidings: the dump is incomplete: it ends too early; nothing was restored\n';
const OTHER_FILE = 'tidings: this is not a dump of Tidings\n';

describe('a restore rejects', () => {
  test('a file that is cut off', async () => {
    for (const part of [0.3, 0.9]) {
      expect(await restore(bytes.subarray(0, Math.floor(bytes.length * part)))).toBe(INCOMPLETE);
    }
    expect(await restore(gzipSync(lines.slice(0, -2).join('\n')))).toBe(INCOMPLETE);
  });

  test('a file with a changed byte', async () => {
    const changed = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    changed[at] = (changed[at] as number) ^ 0x55;
    expect(await restore(changed)).toMatch(/damaged|incomplete/);
  });

  test('a changed, missing or additional row', async () => {
    const isEvent = (line: string) => line.includes('\tsignup_completed\t');
    expect(await restore(withLine(isEvent, (line) => line.replace('"b"', '"c"')))).toBe(DAMAGED);
    expect(await restore(withLine(isEvent, () => null))).toBe(DAMAGED);
    expect(await restore(withLine(isEvent, (line) => `${line}\n${line.replace('u1', 'u2')}`))).toBe(DAMAGED);
  });

  test('a changed header, and a hash that was computed again', async () => {
    const isHeader = (line: string) => line.startsWith('{"format"');
    expect(await restore(withLine(isHeader, (line) => line.replace('"program":"', '"program":"9')))).toBe(DAMAGED);
    const isEnd = (line: string) => line.startsWith('{"end"');
    expect(await restore(withLine(isEnd, (line) => line.replace(/"sha256":"\w/, '"sha256":"_')))).toBe(DAMAGED);
    expect(await restore(withLine(isEnd, (line) => line.replace(/"seal":"[^"]{4}/, '"seal":"AAAA')))).toBe(DAMAGED);
  });

  test('a file of another kind, and one without content', async () => {
    expect(await restore(Buffer.from('-- PostgreSQL database dump'))).toBe(OTHER_FILE);
    expect(await restore(gzipSync('{"format":"tar"}\n'))).toBe(OTHER_FILE);
    expect(await restore(Buffer.alloc(0))).toMatch(/incomplete|not a dump/);
  });

  test('a later format, a newer schema and one of another development version', async () => {
    const withHeader = (change: (header: string) => string) => withLine((line) => line.startsWith('{"format"'), change);
    const later = withHeader((line) => line.replace('"format_version":1', '"format_version":2'));
    expect(await restore(later)).toContain('format version 2, and this program reads up to 1; use a newer Tidings');
    const newer = withHeader((line) => line.replace('"schema":[', '"schema":[{"file":"000000.sql","hash":""},'));
    expect(await restore(newer)).toContain('the dump has a newer schema (000000.sql');
    const other = withHeader((line) => line.replace(/"hash":"\w/, '"hash":"_'));
    expect(await restore(other)).toContain('another development version of Tidings (0.1.0)');
  });

  test('names of tables and columns that the schema does not have', async () => {
    const withHeader = (change: (header: string) => string) => withLine((line) => line.startsWith('{"format"'), change);
    const table = withHeader((line) => line.replace('{"name":"catalogs"', '{"name":"pg_authid"'));
    expect(await restore(table)).toContain('the dump does not have the tables of its schema');
    const column = withHeader((line) => line.replace('{"name":"content_hash"', '{"name":"other"'));
    expect(await restore(column)).toContain('the dump does not have the columns of catalog_contents');
    const injected = withHeader((line) => line.replace('{"name":"content_hash"', '{"name":"a\\") from pg_authid; --"'));
    expect(await restore(injected)).toBe(DAMAGED);
  });

  test('a dump whose key it does not have, and to start without any key', async () => {
    const other = randomBytes(32).toString('base64');
    expect(await restore(bytes, other)).toContain('set TIDINGS_ENCRYPTION_KEY to the key of the installation');
    expect(await restore(bytes, '')).toContain('a restore needs the encryption key of the installation');
  });
});

test('--check says whether a dump is complete, without a database', async () => {
  const file = join(folder.path, 'check.gz');
  await writeFile(file, bytes);
  const env = toEnv({ url: 'postgres://unused@127.0.0.1:1/none' }, tidings.key, folder.path);
  const good = await runTidings(['restore', '--check', file, '--json'], env);
  expect(JSON.parse(good.stdout.toString())).toEqual({ complete: true });
  await writeFile(file, bytes.subarray(0, 1000));
  expect((await runTidings(['restore', '--check', file], env)).stderr).toBe(INCOMPLETE);
});

test('a database that is not empty, or in use, is left as it is', async () => {
  const file = join(folder.path, 'again.gz');
  await writeFile(file, bytes);
  const full = await runTidings(['restore', file], toEnv(tidings.database, tidings.key, folder.path));
  expect(full.stderr).toBe('tidings: the database is not empty: catalogs has rows; restore into an empty database\n');
  const { url } = target;
  const running = await target.pool.connect();
  await running.query(`set application_name = 'tidings work'`);
  const used = await runTidings(['restore', file], toEnv({ url }, tidings.key, folder.path));
  running.release(true);
  expect(used.stderr).toBe(
    'tidings: Tidings runs on this database; stop all its processes before you restore into it\n',
  );
});
