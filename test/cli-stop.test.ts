import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tidingsDirectly } from './support/program.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings stop` and `tidings logs`: the processes that serve from a data directory. */

let tidings: TestTidings;
let folder: string;

beforeEach(async () => {
  tidings = await testTidings();
  folder = await mkdtemp(join(tmpdir(), 'tidings-stop-'));
});
afterEach(async () => {
  await tidings.close();
  await rm(folder, { recursive: true, force: true });
});

const env = () => ({ TIDINGS_DATA_DIR: folder, DATABASE_URL: tidings.database.url, PORT: '0' });
const run = async (...args: string[]) => {
  const program = tidingsDirectly(args, { env: { TIDINGS_DATA_DIR: folder } });
  return { code: await program.ended, text: program.stdout, errors: program.stderr };
};

test('stop ends every process that serves from the data directory, and waits for its end', async () => {
  const [api, workers] = [
    tidingsDirectly(['api', '--json'], { env: env() }),
    tidingsDirectly(['workers', '--json'], { env: env() }),
  ];
  const { url } = await api.ready();
  await workers.ready();
  const { code, text } = await run('stop');
  expect([code, text]).toEqual([0, expect.stringContaining(`tidings api (process ${api.process.pid}, ${url})`)]);
  expect(text).toContain(`tidings workers (process ${workers.process.pid}`);
  expect(await Promise.all([api.ended, workers.ended])).toEqual([0, 0]);
  expect(await run('stop')).toMatchObject({ code: 0, text: expect.stringContaining('No Tidings runs from') });
});

test('a process that was killed, and a later one with its pid, are left alone', async () => {
  await mkdir(join(folder, 'running'));
  const other = {
    pid: process.pid,
    start: '1',
    command: 'start',
    url: 'http://localhost:1',
    since: '2025-01-01T00:00:00Z',
  };
  await writeFile(join(folder, 'running', 'stale'), JSON.stringify(other));
  await writeFile(join(folder, 'running', 'damaged'), 'x');
  expect(JSON.parse((await run('stop', '--json')).text)).toEqual({ stopped: [] });
});

test('logs prints the end of a log file, and says where another log goes', async () => {
  const file = await open(join(folder, 'tidings.log'), 'a');
  const child = spawn(process.execPath, ['dist/tidings.mjs', 'workers', '--json'], {
    env: { PATH: process.env.PATH, ...env(), TIDINGS_LOG_LEVEL: 'debug' },
    stdio: ['ignore', 'pipe', file.fd],
  });
  try {
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await file.appendFile('one\ntwo \u001b[31m\nthree\n');
    const { code, text } = await run('logs', '--lines', '2');
    expect(code).toBe(0);
    if (process.platform === 'linux') expect(text).toMatch(/tidings\.log\ntwo \\u\{1b\}\[31m\nthree\n$/);
  } finally {
    child.kill('SIGTERM');
    await file.close();
  }
  await expect.poll(async () => (await run('logs')).text).toContain('No Tidings runs from');
  const piped = tidingsDirectly(['workers', '--json'], { env: env() });
  await piped.ready();
  expect((await run('logs')).text).toContain('goes to its terminal, or to the program that started it');
  piped.kill('SIGTERM');
  await piped.ended;
});

test('the log of an embedded PostgreSQL that has not run is not there', async () => {
  expect(await run('logs', '--database')).toMatchObject({
    code: 0,
    text: expect.stringContaining('no embedded PostgreSQL'),
  });
});
