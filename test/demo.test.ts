import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from './torture/free-port.ts';

/** npm run demo, as a reader of the docs runs it, with two days in the place of four weeks. */

const SCRIPT = fileURLToPath(new URL('../scripts/demo.mjs', import.meta.url));

interface Ready {
  readonly ready: boolean;
  readonly url: string;
  readonly login: string;
  readonly api_key: string;
  readonly tenants: { readonly [tenant: string]: { readonly [name: string]: number } };
}

const UNTIL = '2026-06-19T18:00:00Z';
/** A day that all of the past has, and its end. */
const DAY = ['2026-06-18T00:00:00Z', '2026-06-19T00:00:00Z'] as const;

interface Started {
  /** Progress, and what else it printed. */
  readonly text: { stdout: string; stderr: string };
  stop(): void;
  /** Resolves with its exit code when it has ended. */
  readonly ended: Promise<number>;
}

async function startDemo(folder: string, ...more: string[]): Promise<Started> {
  const args = ['--json', '--weeks', '0.25', '--until', UNTIL, '--folder', folder, ...more];
  const child = spawn(process.execPath, [SCRIPT, ...args, '--port', String(await freePort())], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // No variable of another installation plays a part.
    env: { ...process.env, DATABASE_URL: 'postgres://nowhere.invalid/other' },
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      text[name] += String(chunk);
    });
  }
  onTestFinished(() => void child.kill('SIGKILL'));
  return { text, stop: () => void child.kill('SIGTERM'), ended: once(child, 'close').then(([code]) => code) };
}

/** Starts a demo, and resolves with what it printed when it has ended. */
async function runDemo(folder: string): Promise<Ready> {
  const { text, ended } = await startDemo(folder, '--once');
  expect({ code: await ended, ...text }).toMatchObject({ code: 0 });
  return JSON.parse(text.stdout);
}

function hasServer(folder: string): boolean {
  return existsSync(join(folder, 'data', 'postgres', 'postmaster.pid'));
}

/** Stops a demo as a supervisor does. */
async function endDemo({ text, stop, ended }: Started, folder: string): Promise<void> {
  expect(hasServer(folder)).toBe(true);
  stop();
  expect({ code: await ended, hasServer: hasServer(folder), ...text }).toMatchObject({ code: 0, hasServer: false });
}

test('shows something of everything that its page promises, the same with each run, and goes on from where it is', async () => {
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'demo-'))) as [string, string];
  onTestFinished(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const [first, second] = (await Promise.all(folders.map(runDemo))) as [Ready, Ready];
  const { tenants, url, login } = first;
  expect(login).toMatch(new RegExp(`^${url}/console/#/login/`));
  expect(Object.values(second.tenants).map(toSure)).toEqual(Object.values(tenants).map(toSure));

  const sum = (name: string) => Object.values(tenants).reduce((total, numbers) => total + (numbers[name] ?? 0), 0);
  const names = Object.keys(tenants.default ?? {}).filter((name) => !RARE.has(name));
  expect(names.filter((name) => sum(name) === 0)).toEqual([]);
  expect(sum('rejected_groups')).toBeGreaterThanOrEqual(3);
  expect(Object.values(tenants).map(({ members, keys }) => [members, keys])).toEqual([
    [6, 5],
    [6, 4],
    [6, 4],
  ]);
  expect(tenants.default).toMatchObject({
    releases_under_way: 1,
    releases_rolled_back: 1,
    batches: 2,
    webhooks: 2,
    experiments: 1,
    accounts: 3,
  });

  const again = await startDemo(folders[0], '--rate', '0');
  await expect.poll(() => again.text.stdout, { timeout: 60_000 }).toContain('\n');
  const ready: Ready = JSON.parse(again.text.stdout);
  expect(again.text.stderr).not.toContain('Playing');
  expect(ready.tenants).toEqual(tenants);
  await expectClock(ready);
  await endDemo(again, folders[0]);

  // While the past is made.
  const cut = await startDemo(folders[1], '--fresh');
  await expect.poll(() => hasServer(folders[1]), { timeout: 60_000 }).toBe(true);
  await endDemo(cut, folders[1]);
}, 600_000);

test('a wrong option ends it with a message, before anything is installed or built', () => {
  // In a copy without packages.
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(dirname(SCRIPT), join(folder, 'scripts'), { recursive: true });
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(folder, 'scripts', 'demo.mjs'), ...args], { encoding: 'utf8' });
  expect(run('--wrong')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining("'--wrong'") });
  expect(run('--weeks', '99')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('0.25 to 12') });
  expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--fresh'), stderr: '' });
});

/** Expects that lists of a day have what its sums have counted: all of it has the clock of the past. */
async function expectClock({ url, api_key: key }: Ready): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the route answers
  const get = async (path: string): Promise<any> => {
    const response = await fetch(`${url}/api/v1/${path}`, { headers: { 'x-api-key': key } });
    expect({ path, status: response.status }).toEqual({ path, status: 200 });
    return response.json();
  };
  const [from, to] = DAY;
  const { metrics } = await get(`metrics/summary?from=${from}&to=${to}`);
  const { total, counts } = await get(`deliveries/counts?since=${from}&until=${to}`);
  // A message to an endpoint of a webhook is of no notification.
  const webhooks = counts.channel.find(({ value }: { value: string }) => value === 'webhook')?.count ?? 0;
  expect(metrics.planned).toBeGreaterThan(0);
  expect(total - webhooks).toBe(metrics.planned);
  const { entries } = await get(`audit-log?since=${from}&until=${to}`);
  expect(entries.length).toBeGreaterThan(0);
}

/** Returns the numbers without the one that depends on which message of an outage, sent many at once, probes for its end. */
function toSure({ dead_letter_groups: _, ...sure }: { readonly [name: string]: number }) {
  return sure;
}

/** Names of numbers for which two days are too short. */
const RARE = new Set(['complained', 'unsubscribed', 'anomalies']);
