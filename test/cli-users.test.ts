import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings users`: what an operator does with users. */

let tidings: TestTidings;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
  folder = await mkdtemp(join(tmpdir(), 'tidings-users-'));
});

afterAll(async () => {
  await server.close();
  await tidings.close();
  await rm(folder, { recursive: true });
});

async function users(...args: string[]) {
  tidings.clock.now += 1000;
  return runLikeProcess(['users', ...args], { TIDINGS_URL: server.url });
}

test('users are set, replaced, found, exported and erased', async () => {
  const set = await users('set', 'maria', '{"email":"maria@example.com","country":"PT"}', '--json');
  expect([set.code, JSON.parse(set.stdout)]).toMatchObject([0, { addresses: { email: 'm…@example.com' } }]);
  expect((await users('search', '--address', 'maria@example.com')).stdout).toBe('maria\n');
  expect((await users('search', '--contains', 'ari')).stdout).toBe('maria\n');
  const put = await users('put', 'maria', '{"country":"ES"}');
  expect(put.stdout).toMatch(/maria {2}changed .*\n(.*\n)*.*country: "ES"/);
  const file = join(folder, 'maria.tar');
  const written = await users('export', 'maria', '--reason', 'ticket 4711', '--output', file, '--json');
  expect([written.code, JSON.parse(written.stdout).bytes]).toEqual([0, (await stat(file)).size]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' })).toContain('user.json');
  expect((await users('erase', 'maria')).code).toBe(2);
  const erased = await users('erase', 'maria', '--yes', '--json');
  expect([erased.code, JSON.parse(erased.stdout).status]).toEqual([0, 'running']);
  expect((await users('get', 'maria')).code).toBe(1);
  expect((await users('erasure', JSON.parse(erased.stdout).erasure_id)).stdout).toContain('running');
}, 180_000);

test('traits that are no object, and an export of an unknown user, are mistakes', async () => {
  expect(await users('set', 'maria', '[1]')).toMatchObject({ code: 2 });
  const file = join(folder, 'unknown.tar');
  expect((await users('export', 'unknown', '--reason', 'ticket 4711', '--output', file)).code).toBe(1);
  await expect(stat(file)).rejects.toThrow();
}, 60_000);
