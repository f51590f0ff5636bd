import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SEALED_TABLES, UNROTATED_TABLES } from '../src/store/encryption/sealed-tables.ts';
import { checkEncryptionKey } from '../src/store/metadata.ts';
import { type WholeTidings, wholeTidings, withKeys } from './support/whole-tidings.ts';

/** The end of a rotation of the encryption key is true, whatever other processes did meanwhile. */

const run = promisify(execFile);
const NEW_KEY = randomBytes(32).toString('base64');

let whole: WholeTidings;
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-keys-'));
  whole = await wholeTidings('  MAIL: { on: began }', { 'MAIL/email.en.txt': 'For {{event.by}}' });
  await checkEncryptionKey(whole.tidings.database.pool, whole.tidings.seal);
  await whole.post('began', { by: 'maria@example.com' }, { email: 'a.user@example.com' });
});
afterEach(async () => {
  await whole.close();
  await rm(dataDir, { recursive: true });
});

async function rotate(...keys: string[]): Promise<{ stdout: string; stderr: string; code?: number }> {
  const env = {
    ...process.env,
    DATABASE_URL: whole.tidings.database.url,
    TIDINGS_DATA_DIR: dataDir,
    TIDINGS_ENCRYPTION_KEY: keys.join(','),
  };
  return run(process.execPath, ['bin/tidings.mjs', 'keys', 'rotate-encryption', '--json'], { env }).catch((e) => e);
}

const query = async (sql: string, values: unknown[] = []) =>
  (await whole.tidings.database.pool.query(sql, values)).rows;

/** Has the database run statements whenever the rotation stores that it begins a table in a pass. */
async function onBegin(pass: number, table: string, statements: string): Promise<void> {
  await query(`create function meanwhile() returns trigger language plpgsql as $$ begin
    if new.name = 'key_rotation' and (new.value::json ->> 'pass')::int = ${pass}
      and new.value::json ->> 'table' = '${table}' and new.value::json ->> 'cursor' is null
    then ${statements} end if;
    return new;
  end $$`);
  await query('create trigger meanwhile after insert or update on metadata for each row execute function meanwhile()');
}

/** A process with the old key writes the addresses again. */
const OLD_WRITER = 'update addresses set sealed = k.sealed, key_id = k.key_id from kept as k where true;';

test('a resumed rotation ends with a whole pass of its own: rows that the old key sealed in between are found', async () => {
  await query('create table kept as select * from addresses');
  await rotate(NEW_KEY, whole.tidings.key);
  const [{ value: keyId }] = await query(`select value from metadata where name = 'encryption_key'`);
  // As a run leaves it that was killed in its second pass; then a process with the old key wrote.
  const state = { to: keyId, pass: 2, tableIndex: SEALED_TABLES.length - 1, cursor: null, inPass: 0 };
  const counts = { table: SEALED_TABLES.at(-1)?.name, rows: 9, resealed: 9, unreadable: 0 };
  await query(`insert into metadata values ('key_rotation', $1)`, [JSON.stringify({ ...state, ...counts })]);
  await query(OLD_WRITER);
  const { stdout } = await rotate(NEW_KEY, whole.tidings.key);
  expect(JSON.parse(stdout)).toMatchObject({ resealed: 10, unreadable: 0 });
  expect(await query('select distinct key_id from addresses')).toEqual([{ key_id: keyId }]);
  await withKeys(whole.tidings, NEW_KEY);
});

test('a row that the old key seals after the last pass has looked at its table is found before the end', async () => {
  await query('create table kept as select * from addresses');
  await onBegin(2, 'events', OLD_WRITER);
  const { stdout } = await rotate(NEW_KEY, whole.tidings.key);
  const [{ value: keyId }] = await query(`select value from metadata where name = 'encryption_key'`);
  expect(JSON.parse(stdout)).toMatchObject({ unreadable: 0 });
  expect(await query('select distinct key_id from addresses')).toEqual([{ key_id: keyId }]);
});

test('a deadlock with an ingest does not end the rotation', async () => {
  await query('create sequence tries');
  await query(`create function lose() returns trigger language plpgsql as $$ begin
    if nextval('tries') <= 2 then raise exception 'deadlock detected' using errcode = '40P01'; end if;
    return new;
  end $$`);
  await query('create trigger lose before update on addresses for each row execute function lose()');
  const { stdout, stderr } = await rotate(NEW_KEY, whole.tidings.key);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ unreadable: 0 });
});

test('what no key opens does not keep the rotation from its end', async () => {
  await query('update addresses set key_id = $1', ['0123456789abcdef']);
  const { stdout, code } = await rotate(NEW_KEY, whole.tidings.key);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ unreadable: 1 });
});

test('every table with a sealed column is sealed again by the rotation, or is known not to be', async () => {
  const rows = await query(
    `select table_name as name, column_name as column_name from information_schema.columns join pg_class as c on c.relname = table_name
     where table_schema = current_schema() and data_type = 'bytea' and not c.relispartition
       and column_name !~ '(^|_)(hash|fingerprint)$'`,
  );
  expect(rows.filter(({ column_name }) => column_name !== 'sealed')).toEqual([]);
  const covered = [...SEALED_TABLES.map(({ name }) => name), ...UNROTATED_TABLES];
  expect(rows.map(({ name }) => name).sort()).toEqual(covered.sort());
  for (const { name, key } of SEALED_TABLES) {
    const columns = await query(
      `select a.attname as name from pg_index as i, unnest(i.indkey) with ordinality as k(n, place)
       join pg_attribute as a on a.attnum = k.n
       where i.indrelid = $1::regclass and i.indisprimary and a.attrelid = i.indrelid order by k.place`,
      [name],
    );
    const named = columns.map((column) => column.name);
    expect(named, name).toEqual(expect.arrayContaining(key.map(([column]) => column)));
  }
});
