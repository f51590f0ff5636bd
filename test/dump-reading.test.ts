import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DumpPart, readDump } from '../src/store/dump/read-dump.ts';
import { selectTenantRows } from '../src/store/dump/tenant-rows.ts';
import { recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A dump is read in pieces that may end anywhere. */

let tidings: TestTidings;
let bytes: Buffer;

beforeAll(async () => {
  tidings = await testTidings();
  await recordKey(tidings);
  await tidings.ingest(
    ['\\.', '.', 'a\\', '\\\\.', 'ä\u{1F600}'].map((text) => ({
      user_id: text,
      event_id: text,
      event_type: 'signup_completed',
      event_timestamp: '2025-11-20T10:00:00Z',
      properties: { text: `${text}\n${text}\n\\.\n` },
    })),
  );
  const folder = await temporaryFolder();
  const { stdout } = await runTidings(['dump'], toEnv(tidings.database, tidings.key, folder.path));
  await folder.remove();
  bytes = gunzipSync(stdout);
});
afterAll(() => tidings.close());

async function* cut(size: number, end = bytes.length): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < end; at += size) yield bytes.subarray(at, Math.min(end, at + size));
}

/** Returns the rows of each table, read in pieces of this size. */
async function readTables(size: number): Promise<{ [table: string]: string }> {
  const tables: { [table: string]: Buffer[] } = {};
  let rows: Buffer[] = [];
  let last: DumpPart['type'] | undefined;
  for await (const part of readDump(cut(size), tidings.seal)) {
    last = part.type;
    if (part.type === 'table') tables[part.name] = rows = [];
    else if (part.type === 'rows') rows.push(part.bytes);
  }
  expect(last).toBe('end');
  return Object.fromEntries(Object.entries(tables).map(([name, chunks]) => [name, Buffer.concat(chunks).toString()]));
}

test('every size of the pieces gives the same tables', async () => {
  const whole = await readTables(bytes.length);
  expect(whole.events?.split('\n')).toHaveLength(6);
  for (const size of [1, 2, 3, 5, 64, 1000]) expect(await readTables(size), `${size} bytes`).toEqual(whole);
});

test('a dump that ends anywhere is incomplete', async () => {
  for (let end = 0; end < bytes.length; end += 97) {
    const read = async () => {
      for await (const _part of readDump(cut(1000, end), tidings.seal));
    };
    await expect(read(), `${end} bytes`).rejects.toThrow(/incomplete|not a dump|damaged/);
  }
});

test('the rows of one tenant are found in every size of the pieces', async () => {
  const rows = Buffer.from(['a\t1', 'ab\t2', 'a\t', 'b\ta\t3', 'a\\\\b\t4', 'a\t5'].map((row) => `${row}\n`).join(''));
  async function* pieces(size: number): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < rows.length; at += size) yield rows.subarray(at, at + size);
  }
  const select = async (tenants: string | readonly string[], size: number) => {
    const found: Buffer[] = [];
    for await (const chunk of selectTenantRows(pieces(size), [tenants].flat())) found.push(chunk);
    return Buffer.concat(found).toString();
  };
  for (let size = 1; size <= rows.length; size++) {
    expect(await select('a', size)).toBe('a\t1\na\t\na\t5\n');
    expect(await select('a\\b', size)).toBe('a\\\\b\t4\n');
    expect(await select(['a', 'b'], size)).toBe('a\t1\na\t\nb\ta\t3\na\t5\n');
  }
});
