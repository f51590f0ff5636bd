import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Cable, cableTo } from './support/cable.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/** A process with workers only has no API, and still answers probes. */

vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'tidings-worker-health-'));
const programs: Program[] = [];
let database: TestDatabase;
let cable: Cable;

beforeAll(async () => {
  database = await testDatabase();
  cable = await cableTo(database.url);
});

afterAll(async () => {
  for (const program of programs) program.killGroup('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  cable.cut();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[], env: { readonly [name: string]: string } = {}): Program {
  const program = tidings([...args, '--json'], {
    env: { DATABASE_URL: cable.url, TIDINGS_DATA_DIR: folder, TIDINGS_CATALOG: FINTECH, PORT: '0', ...env },
  });
  programs.push(program);
  return program;
}

async function probe(
  url: string,
  path: string,
): Promise<{ status: number; body: { status: string; checks?: Check[] } }> {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, body: (await response.json()) as { status: string } };
}

interface Check {
  readonly name: string;
  readonly status: string;
}

test('the workers answer live and ready, and ready says when the database is away, and when it is back', async () => {
  const program = start(['workers', '--health-port', '0']);
  const { url, health_url } = await program.ready();
  expect(url).toBeNull();
  expect(health_url).toMatch(/^http:\/\/localhost:\d+$/);
  expect(await probe(health_url, '/healthz/live')).toEqual({ status: 200, body: { status: 'live' } });
  const ready = await probe(health_url, '/healthz/ready');
  expect(ready.body.checks?.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['database', 'overdue', 'delivery', 'timers', 'jobs', 'circuits']),
  );
  expect((await fetch(`${health_url}/api/v1/activity`)).status).toBe(404);
  expect((await fetch(`${health_url}/healthz/ready`, { method: 'POST' })).status).toBe(404);

  cable.cut();
  await expect
    .poll(() => probe(health_url, '/healthz/ready'), { timeout: 20_000 })
    .toMatchObject({ status: 503, body: { status: 'not_ready' } });
  expect((await probe(health_url, '/healthz/live')).status).toBe(200);
  await cable.restore();
  await expect.poll(async () => (await probe(health_url, '/healthz/ready')).status, { timeout: 20_000 }).toBe(200);
  program.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});

test('no probe waits for connections that do not respond, as behind a firewall that drops packets', async () => {
  const { health_url } = await start(['workers', '--health-port', '0']).ready();
  cable.silence();
  for (let n = 0; n < 5; n++) {
    const startedAt = performance.now();
    await probe(health_url, '/healthz/ready');
    expect(performance.now() - startedAt).toBeLessThan(2500);
    await pause(700);
  }
  await expect.poll(async () => (await probe(health_url, '/healthz/ready')).status, { timeout: 20_000 }).toBe(200);
});

test('two workers without a configured port run beside each other', async () => {
  const [one, two] = [start(['workers']), start(['workers'])];
  const urls = [(await one.ready()).health_url, (await two.ready()).health_url];
  expect(urls[0]).not.toBe(urls[1]);
  for (const url of urls) expect((await probe(url, '/healthz/live')).status).toBe(200);
});

test('a configured port that is in use fails the start in one sentence', async () => {
  const other = createServer().listen(0, 'localhost');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const program = start(['workers'], { TIDINGS_HEALTH_PORT: String(port) });
  expect(await program.ended).toBe(1);
  other.close();
  expect(program.stderr).toMatch(new RegExp(`^tidings: Port ${port} is in use.* set TIDINGS_HEALTH_PORT `, 'm'));
  const misspelled = start(['workers'], { TIDINGS_HEALTH_PORT: 'http' });
  expect(await misspelled.ended).toBe(1);
  expect(misspelled.stderr).toMatch(/TIDINGS_HEALTH_PORT is "http"; it must be a number from 0 to 65535/);
});
