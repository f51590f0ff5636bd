import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CopyRows } from '../src/store/pg/copy.ts';
import { runPipelined, type Statement } from '../src/store/pg/pipeline.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { runs } from './support/properties.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query('create table notes (id int primary key, a text, b json, c text, tenant_id text)');
});

beforeEach(() => database.pool.query('truncate notes'));

afterAll(() => database.drop());

const BEGIN: Statement = { name: 'begin', text: 'begin' };
const COMMIT: Statement = { name: 'commit', text: 'commit' };
const COUNT: Statement = { name: 'count-notes', text: 'select count(*), max(a) from notes' };

function copyNotes(...notes: (string | number | null)[][]): Statement {
  const rows = new CopyRows('notes', { tenant_id: 'text', id: 'int4', a: 'text', b: 'text', c: 'text' });
  for (const note of notes) rows.add(['t', ...note]);
  return rows.statement();
}

async function run(...statements: Statement[]) {
  const connection = await database.pool.connect();
  let failed = true;
  try {
    const rows = await runPipelined(connection, statements);
    failed = false;
    return rows;
  } finally {
    connection.release(failed);
  }
}

describe('statements in one round trip', () => {
  test('are prepared anew where the text of a name is another one', async () => {
    const connection = await database.pool.connect();
    const ask = (text: string) => runPipelined(connection, [{ name: 'ask', text }]);
    expect(await ask('select 1')).toEqual([[['1']]]);
    expect(await ask('select 2, 3')).toEqual([[['2', '3']]]);
    await expect(ask('select 1 / 0')).rejects.toThrow('division by zero');
    expect(await ask('select 2, 3')).toEqual([[['2', '3']]]);
    connection.release();
  });

  test('return their rows as text, and see the changes of earlier ones', async () => {
    const insert = { name: 'insert-note', text: 'insert into notes values ($1::int, $2)', values: ['1', 'é'] };
    const notes = copyNotes([2, 'x', '{}', null], [3, 'y', 'null', null]);
    expect(await run(COUNT, BEGIN, insert, COUNT, notes, COUNT, COMMIT)).toEqual([
      [['0', null]],
      [],
      [],
      [['1', 'é']],
      [],
      [['3', 'é']],
      [],
    ]);
  });

  test('stop at the first error, and leave the connection usable', async () => {
    const connection = await database.pool.connect();
    const twice = copyNotes([1, 'a', null, null], [1, 'b', null, null]);
    const never: Statement = { name: 'never', text: 'select 1 / 0' };
    for (const statements of [
      [BEGIN, twice, copyNotes([2, 'c', null, null]), never, COMMIT],
      [
        BEGIN,
        { name: 'no-such-table', text: 'copy nowhere from stdin', copyData: [Buffer.from('x\n')] },
        twice,
        COMMIT,
      ],
    ]) {
      for (let time = 0; time < 2; time++) {
        await expect(runPipelined(connection, statements)).rejects.toMatchObject({
          code: statements[1] === twice ? '23505' : '42P01',
        });
        await connection.query('rollback');
      }
    }
    expect(await runPipelined(connection, [BEGIN, copyNotes([1, 'a', null, null]), COUNT, COMMIT])).toContainEqual([
      ['1', 'a'],
    ]);
    expect((await connection.query('select id from notes')).rows).toEqual([{ id: 1 }]);
    connection.release();
  });

  test('fail if the connection is lost', async () => {
    const die: Statement = { name: 'die', text: 'select pg_terminate_backend(pg_backend_pid())' };
    await expect(run(BEGIN, die, COMMIT)).rejects.toThrow();
  });
});

test('COPY stores any content', async () => {
  const text = fc.string({ unit: 'binary' }).map((one) => one.replaceAll('\0', ''));
  const hostile = fc.constantFrom(
    '',
    '\\N',
    '\\.',
    '\x01',
    '\x01\x1f\x01',
    '\x1f',
    '\n',
    '\r\n',
    '"',
    '…',
    ',',
    '\x02',
  );
  const rows = fc.array(fc.tuple(fc.oneof(text, hostile), fc.json(), fc.option(fc.constantFrom('\\N', '\\.', '"'))));
  await fc.assert(
    fc.asyncProperty(rows, async (made) => {
      await database.pool.query('truncate notes');
      await run(copyNotes(...made.map(([a, b, c], id) => [id, a, b, c])));
      const { rows: stored } = await database.pool.query('select a, b::text, c from notes order by id');
      expect(stored).toEqual(made.map(([a, b, c]) => ({ a, b, c })));
    }),
    runs(60),
  );
});

test('COPY stores values of every type', async () => {
  await database.pool.query(
    'create table kinds (n int primary key, small smallint, t timestamptz(3), id uuid, bytes bytea, flag boolean, tenant_id text)',
  );
  const from = Date.parse('0001-01-01T00:00:00Z');
  const to = Date.parse('9999-12-31T23:59:59.999Z');
  const row = fc.tuple(
    fc.integer({ min: -32_768, max: 32_767 }),
    fc.oneof(fc.integer({ min: from, max: to }), fc.constantFrom(from, to, 0, -1, Date.UTC(2000, 0, 1))),
    fc.uuid(),
    fc.uint8Array(),
    fc.option(fc.boolean()),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row), fc.integer(), async (made, first) => {
      const start = Math.min(first, 2 ** 31 - 1 - made.length);
      await database.pool.query('truncate kinds');
      const columns = {
        tenant_id: 'text',
        n: 'int4',
        small: 'int2',
        t: 'time',
        id: 'uuid',
        bytes: 'bytea',
        flag: 'bool',
      } as const;
      const rows = new CopyRows('kinds', columns);
      for (const [place, values] of made.entries()) rows.add(['t', start + place, ...values]);
      await run(rows.statement());
      const { rows: stored } = await database.pool.query('select n, small, t, id, bytes, flag from kinds order by n');
      expect(stored).toEqual(
        made.map(([small, t, id, bytes, flag], place) => {
          return { n: start + place, small, t, id, bytes: Buffer.from(bytes), flag };
        }),
      );
    }),
    runs(60),
  );
});

test('COPY stores any number and length of rows, in any chunks', async () => {
  const lengths = [...Array.from({ length: 3000 }, (_, i) => i % 97), 5000, 70_000, 1, 4096, 65_536];
  const texts = lengths.map((length, i) => `${i} ${(i % 3 === 0 ? 'é' : i % 3 === 1 ? '🦉' : 'x').repeat(length)}`);
  await run(copyNotes(...texts.map((text, id) => [id, text, null, null])));
  const { rows } = await database.pool.query<{ a: string }>('select a from notes order by id');
  expect(rows.map(({ a }) => a)).toEqual(texts);
});
