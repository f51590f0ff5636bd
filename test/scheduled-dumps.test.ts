import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ScheduledDumps } from '../src/timers/scheduled-dumps.ts';
import { recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { tidingsDirectly } from './support/program.ts';
import { silent, type TestTidings, testTidings } from './support/tidings.ts';

/** Dumps are made by themselves, by one process of all, and old ones are deleted only after a new one is complete. */

let tidings: TestTidings;
let folder: { path: string; remove: () => Promise<void> };
const running: ScheduledDumps[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
  tidings = await testTidings();
  await recordKey(tidings);
});
afterEach(async () => {
  for (const dumps of running.splice(0)) await dumps.stop();
  await tidings.close();
  await folder.remove();
});

function start(options: { every?: number; keep?: number; folder?: string } = {}): ScheduledDumps {
  const { pool, database, seal } = tidings;
  const dumps = new ScheduledDumps({
    pool,
    databaseUrl: database.url,
    seal,
    program: '0.0.0',
    folder: folder.path,
    every: 1100,
    keep: 2,
    log: silent,
    ...options,
  });
  running.push(dumps);
  dumps.start();
  return dumps;
}

const list = async () => (await readdir(folder.path)).filter((name) => name.endsWith('.dump.gz')).sort();

async function waitFor(isDone: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !(await isDone()); tries++) await pause(50);
  expect(await isDone()).toBe(true);
}

test('two processes make one dump an interval, and keep as many as configured', async () => {
  const leftover = '.tidings-20200101T000000Z.dump.gz.0123abcd.part';
  const others = ['notes.txt', 'tidings.dump.gz'];
  for (const name of [leftover, ...others, 'tidings-20200101T000000Z.dump.gz']) {
    await writeFile(join(folder.path, name), 'x');
  }
  start();
  start();
  const seen = new Set<string>();
  await waitFor(async () => {
    for (const name of await list()) seen.add(name);
    return seen.size >= 5;
  });
  for (const dumps of running.splice(0)) await dumps.stop();
  const names = await readdir(folder.path);
  expect(names).not.toContain(leftover);
  expect(names).not.toContain('tidings-20200101T000000Z.dump.gz');
  expect(names.filter((name) => !/^tidings-\d/.test(name)).sort()).toEqual(others);
  const kept = names.filter((name) => /^tidings-\d/.test(name)).sort();
  expect(kept).toHaveLength(2);
  for (const name of kept) {
    const env = toEnv({ url: '' }, tidings.key, folder.path);
    expect((await runTidings(['restore', '--check', join(folder.path, name)], env)).code).toBe(0);
  }
}, 60_000);

test('a dump is due only when the interval has passed since the last one of any process', async () => {
  start({ every: 3_600_000 });
  await waitFor(async () => (await list()).length === 1);
  await running.pop()?.stop();
  start({ every: 3_600_000 });
  await pause(300);
  expect(await list()).toHaveLength(1);
});

test('a dump that fails deletes none and is reported; the next one succeeds', async () => {
  const file = join(folder.path, 'tidings-20200101T000000Z.dump.gz');
  await writeFile(file, 'x');
  const blocked = join(folder.path, 'blocked');
  await writeFile(blocked, '');
  const dumps = start({ folder: join(blocked, 'dumps'), keep: 1 });
  await waitFor(() => dumps.failure !== null);
  expect(dumps.failure).toContain('ENOTDIR');
  expect(await readFile(file, 'utf8')).toBe('x');
  await rm(blocked);
  await waitFor(() => dumps.failure === null);
  expect(await readdir(join(blocked, 'dumps'))).toHaveLength(1);
});

test('the settings of a process start them, and a stop in between leaves no draft', async () => {
  const env = {
    ...toEnv(tidings.database, tidings.key, folder.path),
    TIDINGS_DUMP_DIR: join(folder.path, 'dumps'),
    TIDINGS_DUMP_EVERY: '1h',
    TIDINGS_DUMP_KEEP: '3',
  };
  const program = tidingsDirectly(['start', '--json'], { env: { ...env, PORT: '0' } });
  const { url } = await program.ready();
  await waitFor(async () => (await readdir(join(folder.path, 'dumps')).catch(() => [])).some((n) => n.endsWith('.gz')));
  const ready = (await (await fetch(`${url}/healthz/ready`)).json()) as { checks: { name: string; status: string }[] };
  expect(ready.checks.find(({ name }) => name === 'dumps')).toMatchObject({ status: 'ok' });
  program.kill('SIGTERM');
  expect(await program.ended).toBe(0);
  expect((await readdir(join(folder.path, 'dumps'))).every((name) => name.startsWith('tidings-'))).toBe(true);
});
