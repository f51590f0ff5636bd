import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { secretFile } from '../src/lib/secret-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidings-secret-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('creates the file once, for its owner only, and reads it afterwards', () => {
  const file = join(folder, 'once');
  expect(secretFile(file, () => 'first')).toBe('first');
  expect(secretFile(file, () => 'second')).toBe('first');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writeFileSync(file, 'of a backup');
  expect(secretFile(file, () => 'third')).toBe('of a backup');
  expect(readdirSync(folder)).toEqual(['once']);
});

test('fails without the folder, and creates no other secret', () => {
  expect(() => secretFile(join(folder, 'nowhere', 'file'), () => 'x')).toThrow('ENOENT');
  expect(existsSync(join(folder, 'nowhere'))).toBe(false);
});

test('processes that start at once all read the complete file of one of them', async () => {
  const rounds = 400;
  const begin = Date.now() + 3000;
  // Every process asks for the same file within the same millisecond, a file every two milliseconds.
  const code = `
    import { randomBytes } from 'node:crypto';
    import { secretFile } from ${JSON.stringify(new URL('../src/lib/secret-file.ts', import.meta.url).href)};
    const said = [];
    for (let round = 0; round < ${rounds}; round++) {
      while (Date.now() < ${begin} + 2 * round);
      said.push(secretFile(${JSON.stringify(folder)} + '/round-' + round, () => randomBytes(32).toString('base64')));
    }
    console.log(JSON.stringify(said));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const ended = await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, args)));
  const answers = ended.map(({ stdout }) => JSON.parse(stdout) as string[]);
  const stored = Array.from({ length: rounds }, (_, round) => readFileSync(join(folder, `round-${round}`), 'utf8'));
  expect(stored.every((secret) => Buffer.from(secret, 'base64').length === 32)).toBe(true);
  for (const answer of answers) expect(answer).toEqual(stored);
  expect(readdirSync(folder)).toHaveLength(rounds + 1);
});
