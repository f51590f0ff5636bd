import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import { readPidFile } from '../src/embedded/address.ts';
import { isRunning } from '../src/embedded/processes.ts';
import { testDatabase } from './support/database.ts';
import { mailSink } from './support/mailsink.ts';
import { databaseUrl } from './support/postgres.ts';
import { Program, type ProgramOptions, type Ready, tidings, tidingsDirectly } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

vi.setConfig({ testTimeout: 120_000 });

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const programs: Program[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const program of programs) program.killGroup('SIGKILL');
  await Promise.all(programs.splice(0).map((program) => program.ended));
  for (const folder of folders.splice(0)) {
    const pid = serverOf(folder);
    if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

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
    direct,
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

describe('two APIs and two workers', () => {
  test('share a data directory; the last one to stop ends the database', async () => {
    const dataDir = folder();
    const env = { ...environment(), TIDINGS_DATA_DIR: dataDir };
    const server = await together(env, async (all) => {
      const server = serverOf(dataDir) as number;
      for (const program of all.slice(1)) program.kill('SIGTERM');
      expect(await Promise.all(all.slice(1).map(({ ended }) => ended))).toEqual([0, 0, 0]);
      expect(isRunning(server)).toBe(true);
      return server;
    });
    expect(isRunning(server)).toBe(false);
  });

  test('share an external database and leave no connection open', async () => {
    const database = await testDatabase();
    const env = {
      ...environment(),
      DATABASE_URL: database.url,
      TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    };
    await together(env, async (all) => {
      for (const program of all) expect(program.stdout).toContain('"database":"external"');
      for (const program of all.slice(1)) program.kill('SIGTERM');
    });
    await database.drop();
  });

  /**
   * Posts the same events to both APIs at once, and checks that each notification is delivered once. Stops the last process.
   */
  async function together<T>(env: Record<string, string>, meanwhile: (all: Program[]) => Promise<T>): Promise<T> {
    const all = ['api', 'api', 'workers', 'workers'].map((role) => start([role, '--json'], { env }, direct));
    const [one, two] = (await Promise.all(all.map((program) => program.ready()))) as [Ready, Ready];
    const events = Array.from({ length: 200 }, (_, n) =>
      event('payment_failed', '11:00', {
        user: `u_${n % 20}`,
        properties: { n, failure_reason: 'INSUFFICIENT_FUNDS' },
      }),
    );
    const answers = await Promise.all([post(one.url, events), post(two.url, [...events].reverse())]);
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(200);
    expect(answers.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(200);
    await allDelivered(two.url as string, 20);
    const result = await meanwhile(all);
    all[0]?.kill('SIGTERM');
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    return result;
  }
});

test('a mistake in the catalog fails a start, and is only logged while running', async () => {
  const catalog = folder();
  cpSync(FINTECH, catalog, { recursive: true });
  const rules = join(catalog, 'rules.yaml');
  const good = readFileSync(rules, 'utf8');
  const env = { ...environment(), TIDINGS_CATALOG: catalog };

  writeFileSync(rules, good.replace('on: signup_completed', 'onn: signup_completed'));
  const failed = await outcome(start(['start'], { env }, direct));
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/rules\.yaml:\d+:\d+: .*onn/);

  writeFileSync(rules, good);
  const watching = start(['start', '--json'], { env: { ...env, TIDINGS_WATCH: 'true' } }, direct);
  const { url } = await watching.ready();
  const following = start(['api', '--json'], { env: { ...env, TIDINGS_WATCH: 'false' } }, direct);
  const { url: elsewhere } = await following.ready();

  writeFileSync(rules, good.replace('on: signup_completed', 'onn: signup_completed'));
  await watching.says(/the active version stays.*rules\.yaml:\d+:\d+: /s);
  const before = await post(url, [event('payment_failed', '11:00', { properties: { attempt_number: 2 } })]);
  expect(outcomes(before)).toContain('HIGH_RISK_ALERT not_matched');

  writeFileSync(rules, good.replace('attempt_number >= 3', 'attempt_number >= 2'));
  await watching.says(/version 2 is active/);
  const after = await post(elsewhere, [event('payment_failed', '12:00', { properties: { attempt_number: 2 } })]);
  expect(outcomes(after)).toContain('HIGH_RISK_ALERT send');
  const versions = (await audit(elsewhere, 'u_1')).decisions.map(({ catalog_version }) => catalog_version);
  expect(new Set(versions)).toEqual(new Set([2, 1]));
});

test('reports a port in use, and a missing catalog', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const [busy, lost] = await Promise.all([
    outcome(start(['start', '--port', String(port)], { env: { ...environment(), HOST: '127.0.0.1' } }, direct)),
    outcome(start(['start', '--catalog', '/nowhere/to/be/found'], { env: environment() }, direct)),
  ]);
  taken.close();
  expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`^tidings: .*${port}`, 'm')) });
  expect(lost).toMatchObject({ code: 1, stderr: expect.stringMatching(/^tidings: .*\/nowhere\/to\/be\/found/m) });
});

test('Ctrl-C while the database is created stops without a stack trace, and the next start creates it', async () => {
  const dataDir = folder();
  const env = { ...environment(), TIDINGS_DATA_DIR: dataDir };
  const first = start(['start'], { env }, direct);
  const fresh = () => readdirSync(dataDir).filter((name) => name.startsWith('postgres.new-'));
  // The first file of the database: initdb still runs for about a second.
  await vi.waitFor(() => expect(fresh().some((name) => existsSync(join(dataDir, name, 'PG_VERSION')))).toBe(true), {
    timeout: 20_000,
    interval: 5,
  });
  first.killGroup('SIGINT');
  expect(await first.ended).toBe(0);
  expect(first.stdout).toMatch(/^Stopped\.\n$/m);
  expect(first.stderr).not.toMatch(/^ +at |Error/m);
  expect(fresh()).toEqual([]);

  const second = start(['start', '--json'], { env }, direct);
  await second.ready();
  second.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test('SIGTERM lets a send in progress end', async () => {
  const sink = await mailSink();
  const release = sink.hold();
  const dataDir = folder();
  const env = { ...environment(), TIDINGS_DATA_DIR: dataDir, SMTP_URL: sink.url };
  const program = start(['start', '--json'], { env }, direct);
  const { url } = await program.ready();
  await post(url, [event('signup_completed', '10:00', { traits: { email: 'a@example.com', marketing_opt_in: true } })]);
  await vi.waitFor(() => expect(sink.mails).toHaveLength(1), { timeout: 10_000, interval: 20 });
  program.kill('SIGTERM');
  release();
  expect(await program.ended).toBe(0);
  const again = start(['start', '--json'], { env }, direct);
  const { url: later } = await again.ready();
  const [delivery] = (await audit(later, 'u_1')).notifications.flatMap(({ deliveries }) => deliveries);
  expect(delivery).toMatchObject({ status: 'sent', attempts: [{ outcome: 'sent' }] });
  again.kill('SIGTERM');
  expect(await again.ended).toBe(0);
  expect(sink.mails).toHaveLength(1);
  await sink.close();
});

interface Versioned {
  readonly version: string;
}

const direct = tidingsDirectly;

function start(args: string[], options: ProgramOptions, by: typeof tidings = tidings): Program {
  const program = by(args, options);
  programs.push(program);
  return program;
}

async function outcome(program: Program): Promise<{ code: number | string; stdout: string; stderr: string }> {
  programs.push(program);
  const code = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A separate data directory and any free port. */
function environment(): Record<string, string> {
  return { PORT: '0', TIDINGS_DATA_DIR: folder(), TIDINGS_LOG_LEVEL: 'info', TIDINGS_WATCH: 'false' };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tidings-processes-'));
  folders.push(path);
  return path;
}

function serverOf(dataDir: string): number | undefined {
  return readPidFile(join(dataDir, 'postgres'))?.pid;
}

function event(
  event_type: string,
  clock: string,
  more: { user?: string; properties?: object; traits?: object },
): Record<string, unknown> {
  return {
    user_id: more.user ?? 'u_1',
    event_type,
    event_timestamp: `2025-10-31T${clock}:00Z`,
    properties: more.properties ?? {},
    user_traits: more.traits ?? { email: 'a@example.com' },
  };
}

interface Answer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly results: readonly { readonly decisions: readonly { readonly rule: string; readonly outcome: string }[] }[];
}

async function post(url: string | null, events: unknown[]): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
  return (await response.json()) as Answer;
}

function outcomes(answer: Answer): string[] {
  return answer.results.flatMap(({ decisions }) => decisions.map(({ rule, outcome }) => `${rule} ${outcome}`));
}

interface Audit {
  readonly recent_events: readonly unknown[];
  readonly decisions: readonly { readonly catalog_version: number }[];
  readonly notifications: readonly { readonly deliveries: readonly object[] }[];
}

async function audit(url: string | null, user: string): Promise<Audit> {
  return (await (await fetch(`${url}/api/v1/audit/${user}`)).json()) as Audit;
}

async function allDelivered(url: string, count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      expect((await deliveries(url, 'sent')) + (await deliveries(url, 'sandboxed'))).toBe(count);
      for (const status of ['queued', 'sending', 'dead', 'in_doubt']) expect(await deliveries(url, status)).toBe(0);
    },
    { timeout: 30_000, interval: 100 },
  );
}

async function deliveries(url: string, status: string): Promise<number> {
  let count = 0;
  for (let next: string | null = ''; next !== null; ) {
    const page = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
    const answer = await fetch(`${url}/api/v1/deliveries?status=${status}&limit=200${page}`);
    expect(answer.status).toBe(200);
    const body = (await answer.json()) as { deliveries: unknown[]; next: string | null };
    count += body.deliveries.length;
    next = body.next;
  }
  return count;
}
