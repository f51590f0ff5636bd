import { describe, expect, test } from 'vitest';
import { runCommand } from './support/cli.ts';
import { listCommands } from './support/cli-commands.ts';
import { tidingsDirectly } from './support/program.ts';

/** Walks every command of the program, also those that are added later. */

/** Commands without `--json`, each with the reason. */
const NO_JSON: { readonly [path: string]: string } = {
  mcp: 'standard output carries the protocol, which is JSON',
};

describe.each(listCommands())('tidings $path', ({ path, description, options, help }) => {
  test('prints JSON on demand', () => {
    expect(options.includes('--json') !== path in NO_JSON, NO_JSON[path] ?? 'add --json').toBe(true);
  });

  test('describes itself, its options and the options of all commands in its help', () => {
    expect(description).toMatch(/^[A-Z].*[^.]$/);
    for (const option of [...options, '--help', '--profile']) expect(help).toContain(option);
    for (const line of help.split('\n').filter((one) => /^ {2}-/.test(one))) expect(line).toMatch(/ {2}\S/);
  });

  test('answers an unknown option with exit code 2', async () => {
    const { exitCode } = await runCommand(...path.split(' '), '--no-such-option');
    expect(exitCode).toBe(2);
  });
});

test('an unknown command, a group without its command and an argument too many are usage errors; help is not', async () => {
  for (const args of [['nonsense'], ['waits'], ['queue', 'surplus'], []]) {
    expect([args, (await runCommand(...args)).exitCode]).toEqual([args, 2]);
  }
  for (const args of [['--help'], ['waits', 'list', '--help'], ['--version']]) {
    expect([args, (await runCommand(...args)).exitCode]).toEqual([args, 0]);
  }
});

test('the process ends with these codes', async () => {
  expect(await tidingsDirectly(['queue', '--nonsense']).ended).toBe(2);
  expect(await tidingsDirectly(['--version']).ended).toBe(0);
  expect(await tidingsDirectly(['queue'], { env: { TIDINGS_URL: 'http://127.0.0.1:9' } }).ended).toBe(1);
});
