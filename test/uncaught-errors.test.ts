import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { type StandInReply, startStandIn } from './support/stand-ins/http-stand-in.ts';

/** Errors that nothing catches end a process; where Sentry is configured, it receives a report before. */

const SECRET = 'dana@example.com';
const ERROR = `Object.assign(new RangeError('${SECRET}'), { code: 'E_TEST' })`;
/** Faults of the process at signals, as those of its own code would be. */
const FAULTS = `process.on('SIGUSR2', () => { throw ${ERROR}; });
process.on('SIGWINCH', () => { void Promise.reject(${ERROR}); });`;

let database: TestDatabase;
let folder: string;
let sentry: Awaited<ReturnType<typeof startStandIn>>;

beforeAll(async () => {
  database = await testDatabase();
  sentry = await startStandIn();
  folder = await mkdtemp(join(tmpdir(), 'tidings-uncaught-'));
  await writeFile(join(folder, 'faults.mjs'), FAULTS);
}, 120_000);

afterAll(async () => {
  await sentry?.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function start(reply: StandInReply): Promise<Program> {
  sentry.reply(reply);
  const program = tidingsDirectly(['workers', '--json'], {
    env: {
      ...{ PORT: '0', DATABASE_URL: database.url, TIDINGS_DATA_DIR: folder, TIDINGS_WATCH: 'false' },
      NODE_OPTIONS: `--import=${join(folder, 'faults.mjs')}`,
      SENTRY_DSN: `${sentry.url.replace('://', '://c0ffee@')}/7`,
    },
  });
  await program.ready();
  return program;
}

test.each([
  ['SIGUSR2', 'an error that nothing caught ended the process'],
  ['SIGWINCH', 'a rejected promise that nothing handled ended the process'],
] as const)(
  '%s: Sentry gets a report without the message, stderr has the stack, and the exit code is 1',
  async (signal, text) => {
    const program = await start({ body: {} });
    program.kill(signal);
    expect(await program.ended).toBe(1);
    expect(program.stderr).toMatch(/RangeError: dana@example\.com\n +at /);
    const report = sentry.requests.map(({ body }) => body).find((body) => body.includes(text)) ?? '';
    expect(report).toContain('"level":"fatal"');
    expect(report).toContain('"type":"RangeError"');
    expect(report).not.toContain(SECRET);
  },
  60_000,
);

test('a Sentry that does not answer does not keep the process', async () => {
  const program = await start({ instead: 'hang' });
  const before = sentry.requests.length;
  program.kill('SIGUSR2');
  expect(await program.ended).toBe(1);
  await vi.waitFor(() => expect(sentry.requests.length).toBeGreaterThan(before));
}, 60_000);
