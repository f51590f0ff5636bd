import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from './torture/free-port.ts';

/** npm run demo, as a reader of the docs runs it, with two days in the place of four weeks. */

const SCRIPT = fileURLToPath(new URL('../scripts/demo.mjs', import.meta.url));

interface Ready {
  readonly ready: boolean;
  readonly url: string;
  readonly login: string;
  readonly tenants: { readonly [tenant: string]: { readonly [name: string]: number } };
}

interface Ran {
  readonly ready: Ready;
  /** Progress, and what else it printed. */
  readonly said: string;
}

/** Starts a demo, and resolves when it has ended. */
async function runDemo(folder: string): Promise<Ran> {
  const args = ['--once', '--json', '--weeks', '0.25', '--until', '2026-06-19T18:00:00Z', '--folder', folder];
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
  const [code] = await once(child, 'close');
  expect({ code, ...text }).toMatchObject({ code: 0 });
  return { ready: JSON.parse(text.stdout), said: text.stderr };
}

test('shows something of everything that its page promises, the same with each run, and goes on from where it is', async () => {
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'demo-')));
  onTestFinished(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const [first, second] = (await Promise.all(folders.map(runDemo))) as [Ran, Ran];
  const { tenants, url, login } = first.ready;
  expect(login).toMatch(new RegExp(`^${url}/console/#/login/`));
  expect(second.ready.tenants).toEqual(tenants);

  const sum = (name: string) => Object.values(tenants).reduce((total, numbers) => total + (numbers[name] ?? 0), 0);
  const names = Object.keys(tenants.default ?? {}).filter((name) => !RARE.has(name));
  expect(names.filter((name) => sum(name) === 0)).toEqual([]);
  expect(sum('rejected_groups')).toBeGreaterThanOrEqual(3);
  expect(Object.values(tenants).map(({ members, keys }) => [members, keys])).toEqual([
    [6, 5],
    [6, 4],
    [6, 4],
  ]);
  expect(tenants.default).toMatchObject({ releases_under_way: 1, releases_rolled_back: 1, batches: 2, webhooks: 2 });

  const again = await runDemo(folders[0] as string);
  expect(again.said).not.toContain('Playing');
  expect(again.ready.tenants).toEqual(tenants);
}, 600_000);

/** Names of numbers for which two days are too short. */
const RARE = new Set(['complained', 'unsubscribed']);
