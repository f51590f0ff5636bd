import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test, vi } from 'vitest';
import { isRunning } from '../src/embedded/processes.ts';
import { databaseUrl } from './support/postgres.ts';
import { Program, tidings, tidingsDirectly } from './support/program.ts';
import {
  allDelivered,
  audit,
  environment,
  event,
  folder,
  outcome,
  post,
  serverOf,
  start,
  usePrograms,
} from './support/started-programs.ts';

vi.setConfig({ testTimeout: 120_000 });

const ROOT = fileURLToPath(new URL('..', import.meta.url));
usePrograms();

describe('the command line', () => {
  test('prints its help and its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Versioned;
    const [help, versionOutput, startHelp, unknown, misspelled] = await Promise.all([
      outcome(new Program(['bin/tidings.mjs', '--help'], {})),
      outcome(tidings(['--version'])),
      outcome(tidings(['start', '--help'])),
      outcome(tidings(['bake'])),
      outcome(tidings(['worker'])),
    ]);
    expect(help.code).toBe(0);
    for (const command of ['start', 'api', 'workers']) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(versionOutput).toMatchObject({ code: 0, stdout: `${version}\n` });
    expect(startHelp.stdout).toContain('TIDINGS_CATALOG');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown command 'bake'") });
    expect(misspelled.stderr).toContain('Did you mean workers?');
  });

  test('ends silently when the reader of its output is gone', async () => {
    const week = ['simulate', 'examples/booking', '--events', 'examples/booking/week.jsonl'];
    const dataDir = folder();
    const env = { ...environment(), TIDINGS_DATA_DIR: dataDir };
    const [simulation, server] = [tidingsDirectly(week), tidingsDirectly(['start'], { env })];
    for (const { process } of [simulation, server]) process.stdout?.destroy();
    expect(await outcome(simulation)).toEqual({ code: 141, stdout: '', stderr: '' });
    // A serving command stops cleanly first, as after Ctrl-C.
    const { code, stderr } = await outcome(server);
    expect(stderr).not.toMatch(/EPIPE|^ +at /m);
    expect(code).toBe(0);
    expect(serverOf(dataDir)).toBeUndefined();
  });

  test.each([
    ['an open port without API keys', { HOST: '0.0.0.0' }, /^tidings: HOST is 0\.0\.0\.0, .* set TIDINGS_API_KEYS/],
    ['a port that is not a number', { PORT: 'http' }, /^tidings: PORT is "http"; it must be a number/],
    [
      'a lease that is not a duration',
      { TIDINGS_LEASE: '30' },
      /^tidings: TIDINGS_LEASE: "30" is not a duration; .*30s/,
    ],
    ['a poll that is too long', { TIDINGS_POLL: '2h' }, /^tidings: TIDINGS_POLL is 2h; it must be at most 1h/],
    [
      'a database that does not exist',
      { DATABASE_URL: databaseUrl(inject('serverUrl'), 'nowhere') },
      /^tidings: the database of DATABASE_URL rejects the connection: database "nowhere" does not exist/,
    ],
  ])('rejects %s in one sentence', async (_what, env, sentence) => {
    const { code, stdout, stderr } = await outcome(tidingsDirectly(['start'], { env: { ...environment(), ...env } }));
    expect(stderr).toMatch(sentence);
    expect(stderr.trim()).not.toContain('\n');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

test('starts, stops with Ctrl-C, starts again after kill -9, beside a second copy', async () => {
  const dataDir = folder();
  const env = { ...environment(), TIDINGS_DATA_DIR: dataDir };

  const first = start(['start', '--json'], { env });
  const { url, database, catalog_version, pid } = await first.ready();
  expect({ database, catalog_version, pid }).toEqual({
    database: 'embedded',
    catalog_version: 1,
    pid: first.process.pid,
  });
  // Enough events to keep the workers busy for a moment: some deliveries are still queued at the Ctrl-C.
  const { accepted } = await post(url, [
    event('signup_completed', '10:00', { traits: { marketing_opt_in: true } }),
    ...Array.from({ length: 900 }, (_, n) =>
      event('payment_failed', '11:00', { properties: { n, attempt_number: 3 } }),
    ),
  ]);
  expect(accepted).toBe(901);
  // A client that never finishes its request does not keep the process from stopping.
  const stuck = connect(Number(new URL(url as string).port), 'localhost').on('error', () => {});
  await once(stuck, 'connect');
  stuck.write(
    'POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n[',
  );
  const server = serverOf(dataDir) as number;
  const began = Date.now();
  first.killGroup('SIGINT');
  expect(await first.ended).toBe(0);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(isRunning(server)).toBe(false);
  expect(first.stdout.split('\n').filter(Boolean)).toHaveLength(1);

  const second = start(['start', '--json'], { env });
  await second.ready();
  second.killGroup('SIGKILL');
  expect(await second.ended).toBe('SIGKILL');
  expect(isRunning(serverOf(dataDir) as number)).toBe(true);

  const third = start(['start'], { env });
  const copy = start(['start', '--json'], { env: environment() });
  const [, again] = await third.says(/Console +(http:\S+)/);
  await third.says(/Ctrl-C/);
  expect(third.stdout).toMatch(/Try +curl .*\n.*"signup_completed".*\n.*\/explain\/u_1\/WELCOME_EMAIL\n/);
  const { url: other } = await copy.ready();
  expect(other).not.toBe(again);
  await allDelivered(again as string, 901);
  expect((await audit(other, 'u_1')).recent_events).toEqual([]);
  for (const program of [third, copy]) program.killGroup('SIGINT');
  expect(await Promise.all([third.ended, copy.ended])).toEqual([0, 0]);
  expect(third.stdout).toContain('Stopped.');
});

test('runs as an ordinary user without a home', async () => {
  if (process.getuid?.() !== 0) return;
  const home = folder();
  const dataDir = join(home, 'data');
  mkdirSync(dataDir);
  chmodSync(home, 0o755);
  chownSync(dataDir, 65534, 65534);
  const { HOME: _, ...env } = { ...environment(), TIDINGS_DATA_DIR: dataDir, HOME: '' };
  const program = start(
    ['start', '--json'],
    { env, cwd: openCheckout(), uid: 65534, gid: 65534, command: ['env', '-u', 'HOME', process.execPath] },
    tidingsDirectly,
  );
  const { url } = await program.ready();
  expect((await post(url, [event('payment_failed', '11:00', {})])).accepted).toBe(1);
  program.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});

/** A copy of the checkout that every user can read: the checkout may lie in a folder of root, such as mktemp -d makes. */
function openCheckout(): string {
  const open = folder();
  chmodSync(open, 0o755);
  const parts = ['node_modules', 'dist', 'src', 'examples', 'packages', 'package.json'].map((name) => join(ROOT, name));
  // Uses hard links, which cost nothing, and copies files from another file system.
  for (const how of ['-al', '-a']) if (spawnSync('cp', [how, ...parts, open]).status === 0) break;
  return open;
}

interface Versioned {
  readonly version: string;
}
