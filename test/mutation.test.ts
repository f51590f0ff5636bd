import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { filesOf, ROOMS } from './mutation/rooms.ts';
import { readSqlMutants } from './mutation/sql.ts';
import { compareWithAccepted, readAccepted } from './mutation/survivors.ts';

/** The configuration of `npm run mutate` follows the code. */

const { PURE } = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as { PURE: readonly string[] };
const accepted = readAccepted('test/mutation/survivors.yaml');

test('every file of a pure room is mutated, once', () => {
  const mutated = ROOMS.flatMap((room) => filesOf(room, []));
  expect(new Set(mutated).size).toBe(mutated.length);
  for (const room of PURE) {
    const files = readdirSync(`src/${room}`, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    expect(mutated).toEqual(expect.arrayContaining(files.map((name) => `src/${room}/${name.replaceAll('\\', '/')}`)));
  }
});

test('every room has files and tests', () => {
  for (const room of ROOMS) {
    expect(filesOf(room, []), room.name).not.toEqual([]);
    expect(room.tests.filter((file) => !existsSync(file))).toEqual([]);
  }
});

test('every SQL mutant matches its source', () => {
  expect(readSqlMutants().length).toBeGreaterThan(0);
});

test('every accepted survivor is on a line of its file', () => {
  const gone = accepted.filter(({ file, line }) => !existsSync(file) || !linesOf(file).includes(line));
  expect(gone.map(({ file, line }) => `${file}: ${line}`)).toEqual([]);
});

test('survivors are compared by file, line and change; an entry without its survivor is stale', () => {
  const one = { file: 'a.ts', lineNumber: 1, line: 'x < 1', code: 'x < 1', becomes: 'x <= 1', mutated: '' };
  const other = { ...one, becomes: 'true' };
  const entry = { ...one, reason: 'because' };
  expect(compareWithAccepted([one, other], [entry], ['a.ts'])).toEqual({ unlisted: [other], stale: [] });
  expect(compareWithAccepted([other], [entry], ['a.ts'])).toEqual({ unlisted: [other], stale: [entry] });
  expect(compareWithAccepted([], [entry], ['b.ts'])).toEqual({ unlisted: [], stale: [] });
  expect(compareWithAccepted([{ ...one, lineNumber: 7, code: ' x  < 1' }], [entry], ['a.ts']).unlisted).toEqual([]);
});

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim());
}
