import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** The command line behind a terminal, which the program `script` provides. */

const HAS_SCRIPT = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-terminal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** @param answer written once a question is asked */
function run(
  command: string,
  { answer, env = {} }: { answer?: string; env?: { readonly [name: string]: string } } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(
      'script',
      ['--quiet', '--return', '--command', `${process.execPath} dist/tidings.mjs ${command}`, '/dev/null'],
      {
        env: {
          PATH: process.env.PATH,
          TERM: 'xterm',
          XDG_CONFIG_HOME: folder,
          TIDINGS_DATA_DIR: folder,
          PORT: '0',
          ...env,
        },
      },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (answer !== undefined && output.includes('[y/N]')) {
        child.stdin.write(answer);
        answer = undefined;
      }
    });
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe.runIf(HAS_SCRIPT)('behind a terminal', () => {
  test.each([
    ['y\n', 0, 'is removed'],
    ['Yes\n', 0, 'is removed'],
    ['n\n', 1, 'nothing was changed'],
    ['\n', 1, 'nothing was changed'],
    ['\u0004', 1, 'nothing was changed'],
  ])('the answer %j to the question ends with %d', async (answer, code, sentence) => {
    await run('profiles add prod --url http://localhost:8000');
    const ended = await run('profiles remove prod', { answer });
    expect([ended.code, ended.output]).toEqual([code, expect.stringContaining(sentence)]);
    const { output } = await run('profiles list');
    expect(output.includes('prod')).toBe(code === 1);
  });

  test('color is used, unless NO_COLOR is set', async () => {
    expect((await run('doctor')).output).toContain('\u001b[32mok');
    expect((await run('doctor', { env: { NO_COLOR: '1' } })).output).not.toContain('\u001b[');
  });
});
