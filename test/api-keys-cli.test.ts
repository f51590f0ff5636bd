import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ROOT_KEY, tryKey } from './support/api-keys.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let api: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  tidings.clock.now = Date.now();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY] });
});

beforeEach(() => {
  vi.stubEnv('TIDINGS_URL', api.url);
  vi.stubEnv('TIDINGS_API_KEY', ROOT_KEY);
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

const print = async (...args: string[]) => (await runCommand(...args)).text;

test('a key is created, listed, rotated and revoked over the API', async () => {
  const args = ['--name', 'shop', '--scopes', 'users:read,jobs:read', '--expires', '90d', '--per-minute', '50'];
  const { text, errors } = await runCommand('keys', 'create', ...args);
  expect(errors).toContain('not shown again');
  const key = text.replace(`\n${errors}`, '');
  expect(key, 'standard output is the key alone, for KEY=$(tidings keys create …)').toMatch(/^td_live_\w{44}$/);
  expect(await tryKey(api, key)).toEqual([200]);
  const id = key.slice(8, 16);
  expect(await print('keys', 'list')).toMatch(
    new RegExp(`^${id}  …${key.slice(-4)}  live  active  "shop"  until .*jobs:read,users:read$`, 'm'),
  );
  const rotated = JSON.parse(await print('keys', 'rotate', id, '--overlap', '1h', '--json'));
  expect([await tryKey(api, key), await tryKey(api, rotated.key)]).toEqual([[200], [200]]);
  expect((await runCommand('keys', 'revoke', rotated.key_id)).exitCode).toBe(2);
  expect(await print('keys', 'revoke', rotated.key_id, '--yes')).toContain('is revoked');
  expect(await tryKey(api, rotated.key)).toEqual([401, 'unauthorized']);
});

test('an unknown scope is a usage error that names the nearest one and lists the scopes', async () => {
  const { exitCode, errors } = await runCommand('keys', 'create', '--name', 'x', '--scopes', 'users:fly');
  expect(exitCode).toBe(2);
  expect(errors).toMatch(/"users:fly" is not a scope of keys; .*users:read/);
  const near = await runCommand('keys', 'create', '--name', 'x', '--scopes', 'users:read,event:write');
  expect(near.errors).toContain(
    '"event:write" is not a scope of keys; did you mean events:write? Write all, or some of',
  );
});

test('the first key is created on the database, without another key', async () => {
  vi.stubEnv('DATABASE_URL', tidings.database.url);
  vi.stubEnv('TIDINGS_ENCRYPTION_KEY', tidings.key);
  const create = (...args: string[]) => runCommand('keys', 'create', '--name', 'first', '--database', ...args);
  const { key } = JSON.parse((await create('--scopes', 'all', '--installation', '--json')).text);
  expect(await tryKey(api, key)).toEqual([200]);
  const { text, exitCode } = await create('--scopes', 'all', '--tenant', 'unknown');
  expect([exitCode, text]).toEqual([1, expect.stringMatching(/^tidings: there is no tenant unknown .* there are: /)]);
});

test('the audit log is listed, filtered and exported', async () => {
  const all = await print('audit', '--action', 'key.');
  expect(all).toMatch(/key\.created {2}\w{8} {2}by keys create from cli/);
  expect(all).toMatch(/key\.revoked {2}\w{8} {2}by key api key 1 \(environment 1\) from 127\.0\.0\.0\/24/);
  expect((await print('audit', '--action', 'key.rotated')).split('\n')).toHaveLength(1);
  expect(await print('audit', '--actor', 'an unknown one')).toBe('There are no such changes.');
  const { entries } = JSON.parse(await print('audit', '--action', 'key.', '--json'));
  const folder = mkdtempSync(join(tmpdir(), 'tidings-audit-'));
  const file = join(folder, 'changes.ndjson');
  expect(await print('audit', '--action', 'key.', '--export', file)).toBe(`${entries.length} changes written.`);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(entries);
  rmSync(folder, { recursive: true });
});
