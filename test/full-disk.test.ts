import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { Program } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';
import { fillDisk, runOnSmallDisk } from './torture/small-disk.ts';

/** Ready on a disk that really is full: of the embedded PostgreSQL, and as a process elsewhere sees it. */

vi.setConfig({ testTimeout: 180_000 });

const folder = mkdtempSync(join(tmpdir(), 'tidings-full-disk-'));
const programs: Program[] = [];

const SIZE_MIB = 260;
const onSmallDisk = runOnSmallDisk(folder, SIZE_MIB);
const canMount = onSmallDisk !== undefined;

afterAll(async () => {
  for (const program of programs.reverse()) program.kill('SIGTERM');
  await Promise.all(programs.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

function start(options: ConstructorParameters<typeof Program>[1], command: string): Program {
  const env = { PORT: '0', TIDINGS_CATALOG: FINTECH, ...options.env };
  const program = new Program(['dist/tidings.mjs', command, '--json'], { ...options, env });
  programs.push(program);
  return program;
}

async function ready(url: string) {
  const response = await fetch(`${url}/healthz/ready`);
  const { status, checks } = (await response.json()) as { status: string; checks: { name: string; cause?: string }[] };
  return { code: response.status, status, disk: checks.find(({ name }) => name === 'disk') };
}

test.skipIf(!canMount)('a full disk is not ready, here and elsewhere, and ready again once there is room', async () => {
  const data = join(folder, 'data');
  const program = start(
    { env: { TIDINGS_DATA_DIR: data }, command: [...(onSmallDisk ?? []), process.execPath] },
    'start',
  );
  const { url: here } = await program.ready();
  const inside = `/proc/${program.process.pid}/root${folder}`;
  const other = start(
    {
      env: {
        DATABASE_URL: `postgres://postgres@localhost:5432/tidings?host=${inside}/data/socket`,
        TIDINGS_DATA_DIR: `${inside}/data`,
      },
    },
    'api',
  );
  const { url: elsewhere } = await other.ready();
  const urls = [here, elsewhere] as string[];
  for (const url of urls) expect(await ready(url)).toMatchObject({ code: 200, status: 'ready' });
  const makeRoom = fillDisk(inside);
  await expect
    .poll(() => ready(here as string), { timeout: 60_000, interval: 500 })
    .toMatchObject({ code: 503, status: 'not_ready', disk: { cause: expect.stringMatching(/has 0 MB free/) } });
  await expect
    .poll(() => ready(elsewhere as string), { timeout: 60_000, interval: 500 })
    .toMatchObject({ code: 503, disk: { cause: 'PostgreSQL reports that its disk is full' } });
  makeRoom();
  for (const url of urls) {
    await expect
      .poll(() => ready(url), { timeout: 60_000, interval: 500 })
      .toMatchObject({ code: 200, status: 'ready' });
  }
});

describe.skipIf(!canMount)('a start on a full disk', () => {
  const startOnFullDisk = (env: { [name: string]: string }, name = 'start') => {
    const filled = runOnSmallDisk(folder, SIZE_MIB, '(head -c 300M /dev/zero > "$0/ballast" 2> /dev/null || true)');
    const data = { TIDINGS_DATA_DIR: join(folder, 'late'), ...env };
    return start({ env: data, command: [...(filled ?? []), process.execPath] }, name);
  };

  test('says so in a sentence, waits for room, and then serves', async () => {
    const program = startOnFullDisk({ TIDINGS_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') });
    await program.says(
      /The database cannot be used, retrying: The disk with .* is full: free some space there\./,
      60_000,
    );
    expect(program.output).not.toContain('    at ');
    rmSync(`/proc/${program.process.pid}/root${folder}/ballast`);
    const { url } = await program.ready(60_000);
    expect((await fetch(`${url}/healthz/live`)).status).toBe(200);
  });

  test('of the database for a command ends with a sentence', async () => {
    const program = startOnFullDisk({ TIDINGS_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') }, 'migrate');
    expect(await program.ended).toBe(1);
    expect(program.output).toMatch(/^tidings: The disk with [^\n]* is full: free some space there\.[^\n]*\n$/);
  });

  test('ends with a sentence if there is no room for a new encryption key', async () => {
    const program = startOnFullDisk({});
    expect(await program.ended).toBe(1);
    expect(program.output).toMatch(/^[^\n]*a disk is full: ENOSPC[^\n]*\n$/);
  });
});
