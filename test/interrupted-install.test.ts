import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';

/** A first start that is ended while it installs leaves no npm behind, and nothing that the next start takes as complete. */

const ROOT = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'tidings-interrupted-'));
const lockFile = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } });
let clone: string;

/** Writes its own process id and that of a package's script, which ignores SIGTERM, and runs until both are killed. */
const SLOW_NPM = `#!/bin/sh
mkdir -p node_modules/half
sh -c 'trap "" TERM INT HUP; echo $$ > script.pid; while :; do sleep 0.1; done' &
echo $$ > npm.pid
wait
`;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  clone = mkdtempSync(join(folder, 'clone-'));
  for (const part of ['bin', 'scripts']) cpSync(join(ROOT, part), join(clone, part), { recursive: true });
  mkdirSync(join(clone, 'tools'));
  mkdirSync(join(clone, 'tmp'));
  writeFileSync(join(clone, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(clone, 'package-lock.json'), lockFile);
});

function start(npm: string) {
  const program = join(clone, 'tools', 'npm');
  writeFileSync(program, npm);
  chmodSync(program, 0o755);
  const { npm_execpath: _path, npm_lifecycle_event: _event, ...env } = process.env;
  const child = spawn(process.execPath, [join('bin', 'tidings.mjs'), '--version'], {
    cwd: clone,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...env, PATH: `${join(clone, 'tools')}${delimiter}${env.PATH}`, TMPDIR: join(clone, 'tmp') },
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? code)),
  );
  return { child, ended, getStderr: () => stderr };
}

/** Returns the process id that npm or the script wrote, once it is there. */
async function readPid(name: string): Promise<number> {
  const file = join(clone, name);
  await expect
    .poll(() => existsSync(file) && Number(readFileSync(file, 'utf8')), { timeout: 30_000 })
    .toBeGreaterThan(0);
  return Number(readFileSync(file, 'utf8'));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s ends npm and what npm started, and then the start',
  async (signal) => {
    const { child, ended } = start(SLOW_NPM);
    const pids = [await readPid('npm.pid'), await readPid('script.pid')];
    child.kill(signal);
    expect(await ended).toBe(signal);
    await expect.poll(() => pids.filter(isRunning)).toEqual([]);
    expect(readdirSync(join(clone, 'tmp'))).toEqual([]);
  },
);

test('an installation that was ended is begun again, also when the lock file is the earlier one again', async () => {
  const modules = join(clone, 'node_modules');
  mkdirSync(modules);
  writeFileSync(join(modules, '.tidings-lock'), 'an earlier lock file');
  writeFileSync(join(modules, '.package-lock.json'), '{ "packages": {} }');
  const { child, ended } = start(SLOW_NPM);
  await readPid('script.pid');
  expect(readdirSync(modules)).toEqual(['half']);
  child.kill('SIGTERM');
  await ended;
  expect(readdirSync(modules)).toEqual(['half']);

  const again = start('#!/bin/sh\necho "npm was asked: $1" >&2\nexit 1\n');
  expect(await again.ended).toBe(1);
  expect(again.getStderr()).toContain('npm was asked: ci');
});

test('a start whose predecessor was killed waits until the npm of that one has ended', async () => {
  const killed = start(SLOW_NPM);
  const pids = [await readPid('npm.pid'), await readPid('script.pid')];
  killed.child.kill('SIGKILL');
  // Its end is not awaited: npm still holds its output.
  const next = start('#!/bin/sh\nexit 1\n');
  await expect.poll(next.getStderr, { timeout: 30_000 }).toContain('Waiting for another start that is installing');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  expect(await next.ended).toBe(1);
  expect(next.getStderr()).toContain('The packages could not be installed');
});
