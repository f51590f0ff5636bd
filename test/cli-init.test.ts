import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from './support/cli.ts';

/** `tidings init`: a catalog folder to start from. */

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-init-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each(['fintech', 'booking', 'marketplace', 'lending'])(
  'the example %s is written, is valid, and its cases pass',
  async (name) => {
    const dir = join(folder, 'new', 'catalog');
    const { text, exitCode } = await runCommand('init', name, '--dir', dir);
    expect([text, exitCode]).toEqual([expect.stringContaining(`tidings check ${dir}`), 0]);
    expect(await runCommand('check', dir, '--json')).toMatchObject({ exitCode: 0 });
    const cases = await runCommand('test', dir);
    expect(cases.exitCode, cases.text).toBe(0);
  },
);

test('without an example it writes the one that a start without a catalog uses', async () => {
  const { text } = await runCommand('init', '--dir', join(folder, 'a'), '--json');
  expect(JSON.parse(text)).toMatchObject({
    example: 'fintech',
    files: expect.arrayContaining(['cases.yaml', 'rules.yaml']),
  });
});

test('a folder that is not empty, and a file, are left as they are', async () => {
  await mkdir(join(folder, 'used'));
  await writeFile(join(folder, 'used', 'rules.yaml'), 'mine');
  await writeFile(join(folder, 'file'), 'mine');
  for (const [dir, sentence] of [
    ['used', 'overwrites nothing'],
    ['file', 'is a file'],
  ] as const) {
    const { errors, exitCode } = await runCommand('init', '--dir', join(folder, dir));
    expect([errors, exitCode]).toEqual([expect.stringContaining(sentence), 1]);
  }
  expect(await readdir(join(folder, 'used'))).toEqual(['rules.yaml']);
});

test('an unknown example is a usage error that lists the known ones', async () => {
  const { errors, exitCode } = await runCommand('init', 'nonsense', '--dir', join(folder, 'a'));
  expect([errors, exitCode]).toEqual([expect.stringContaining('fintech, booking, marketplace, lending'), 2]);
  expect(await readdir(folder)).toEqual([]);
});
