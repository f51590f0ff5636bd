import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { isRunning } from '../src/embedded/processes.ts';
import { testDatabase } from './support/database.ts';
import { mailSink } from './support/mailsink.ts';
import { type Program, type Ready, tidingsDirectly } from './support/program.ts';
import {
  allDelivered,
  audit,
  environment,
  event,
  folder,
  outcome,
  outcomes,
  post,
  serverOf,
  start,
  usePrograms,
} from './support/started-programs.ts';
import { FINTECH } from './support/tidings.ts';

/** Processes beside one another, mistakes while they run, and how they end. */

vi.setConfig({ testTimeout: 120_000 });

usePrograms();

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
    const all = ['api', 'api', 'workers', 'workers'].map((role) => start([role, '--json'], { env }, tidingsDirectly));
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
  const failed = await outcome(start(['start'], { env }, tidingsDirectly));
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/rules\.yaml:\d+:\d+: .*onn/);

  writeFileSync(rules, good);
  const watching = start(['start', '--json'], { env: { ...env, TIDINGS_WATCH: 'true' } }, tidingsDirectly);
  const { url } = await watching.ready();
  const following = start(['api', '--json'], { env: { ...env, TIDINGS_WATCH: 'false' } }, tidingsDirectly);
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
    outcome(
      start(['start', '--port', String(port)], { env: { ...environment(), HOST: '127.0.0.1' } }, tidingsDirectly),
    ),
    outcome(start(['start', '--catalog', '/nowhere/to/be/found'], { env: environment() }, tidingsDirectly)),
  ]);
  taken.close();
  expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`^tidings: .*${port}`, 'm')) });
  expect(lost).toMatchObject({ code: 1, stderr: expect.stringMatching(/^tidings: .*\/nowhere\/to\/be\/found/m) });
});

test('Ctrl-C while the database is created stops without a stack trace, and the next start creates it', async () => {
  const dataDir = folder();
  const env = { ...environment(), TIDINGS_DATA_DIR: dataDir };
  const first = start(['start'], { env }, tidingsDirectly);
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

  const second = start(['start', '--json'], { env }, tidingsDirectly);
  await second.ready();
  second.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test('SIGTERM lets a send in progress end', async () => {
  const sink = await mailSink();
  const release = sink.hold();
  const dataDir = folder();
  const env = { ...environment(), TIDINGS_DATA_DIR: dataDir, SMTP_URL: sink.url };
  const program = start(['start', '--json'], { env }, tidingsDirectly);
  const { url } = await program.ready();
  await post(url, [event('signup_completed', '10:00', { traits: { email: 'a@example.com', marketing_opt_in: true } })]);
  await vi.waitFor(() => expect(sink.mails).toHaveLength(1), { timeout: 10_000, interval: 20 });
  program.kill('SIGTERM');
  release();
  expect(await program.ended).toBe(0);
  const again = start(['start', '--json'], { env }, tidingsDirectly);
  const { url: later } = await again.ready();
  const [delivery] = (await audit(later, 'u_1')).notifications.flatMap(({ deliveries }) => deliveries);
  expect(delivery).toMatchObject({ status: 'sent', attempts: [{ outcome: 'sent' }] });
  again.kill('SIGTERM');
  expect(await again.ended).toBe(0);
  expect(sink.mails).toHaveLength(1);
  await sink.close();
});
