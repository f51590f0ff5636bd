import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Profiles of the command line: where an installation is, and where its key is kept. */

const KEY = 'td_live_not-a-real-key';

let config: string;
let seen: IncomingHttpHeaders[];
let url: string;
const server = createServer((request, response) => {
  seen.push(request.headers);
  response.setHeader('content-type', 'application/json').end('{"overdue":[],"circuits":[]}');
});

beforeEach(async () => {
  config = await mkdtemp(join(tmpdir(), 'tidings-profiles-'));
  seen = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.close();
  await rm(config, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], env: { readonly [name: string]: string } = {}, input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['dist/tidings.mjs', ...args],
      { env: { PATH: process.env.PATH, XDG_CONFIG_HOME: config, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

test('a key from standard input is kept in a file of its owner, is sent to its address, and is never shown', async () => {
  const added = await run(['profiles', 'add', 'prod', '--url', url, '--key-stdin', '--tenant', 'acme'], {}, `${KEY}\n`);
  expect(added).toMatchObject({ code: 0, stderr: '' });
  for (const file of await readdir(join(config, 'tidings'), { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(file.parentPath, file.name));
    expect([file.name, mode & 0o077]).toEqual([file.name, 0]);
  }
  expect(await readFile(join(config, 'tidings', 'profiles.json'), 'utf8')).not.toContain(KEY);

  expect((await run(['queue', '--profile', 'prod'])).code).toBe(0);
  expect((await run(['--profile', 'prod', 'queue'])).code).toBe(0);
  expect((await run(['queue'], { TIDINGS_PROFILE: 'prod' })).code).toBe(0);
  expect(seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill(`Bearer ${KEY}`));
  expect(seen[0]).toMatchObject({ 'x-tidings-tenant': 'acme' });

  const list = await run(['profiles', 'list', '--json']);
  expect(JSON.parse(list.stdout)).toEqual({ profiles: [{ name: 'prod', url, key: 'key in a file', tenant: 'acme' }] });
  expect(added.stdout + list.stdout).not.toContain(KEY);

  expect((await run(['profiles', 'remove', 'prod', '--yes'])).code).toBe(0);
  expect(await readdir(join(config, 'tidings', 'keys'))).toEqual([]);
});

test('a key is taken from the environment at each use', async () => {
  await run(['profiles', 'add', 'prod', '--url', url, '--key-env', 'PROD_KEY']);
  expect((await run(['queue', '--profile', 'prod'], { PROD_KEY: KEY })).code).toBe(0);
  expect(seen[0]?.authorization).toBe(`Bearer ${KEY}`);
  const missing = await run(['queue', '--profile', 'prod']);
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('PROD_KEY, which is not set')]);
});

test('the key of the environment never goes to the address of a profile, nor the other way round', async () => {
  await run(['profiles', 'add', 'open', '--url', url]);
  await run(['queue', '--profile', 'open'], { TIDINGS_API_KEY: KEY, TIDINGS_URL: 'http://127.0.0.1:9' });
  expect(seen[0]?.authorization).toBeUndefined();
  await run(['profiles', 'add', 'prod', '--url', 'http://127.0.0.1:9', '--key-stdin'], {}, KEY);
  await run(['queue'], { TIDINGS_PROFILE: 'prod', TIDINGS_URL: url });
  expect(seen[1]?.authorization).toBeUndefined();
});

test('a key that others can read is rejected with the remedy', async () => {
  await run(['profiles', 'add', 'prod', '--url', url, '--key-stdin'], {}, KEY);
  await chmod(join(config, 'tidings', 'keys', 'prod'), 0o644);
  const { code, stderr } = await run(['queue', '--profile', 'prod']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('chmod 600')]);
  expect(seen).toEqual([]);
});

test.each([
  [['profiles', 'add', '../up', '--url', 'http://a'], 1, 'cannot be the name of a profile'],
  [['profiles', 'add', 'a', '--url', 'ftp://a'], 1, 'is not valid'],
  [['profiles', 'add', 'a', '--url', 'http://user:secret@a'], 1, 'holds a user or a password'],
  [['profiles', 'add', 'a', '--url', 'http://a', '--key-stdin'], 1, 'holds no key'],
  [['profiles', 'add', 'a', '--url', 'http://a', '--key-env', 'td_live_abc-def'], 2, 'never an option'],
  [['profiles', 'add', 'a'], 2, '--url'],
  [['profiles', 'remove', 'nobody', '--yes'], 1, 'there is no profile nobody'],
  [['queue', '--profile', 'nobody'], 1, 'there is no profile nobody'],
  [['check', '--profile', 'prod'], 2, 'works on this machine'],
  [['migrate', '--dry-run', '--profile', 'prod'], 2, 'works on the database'],
] as const)('tidings %j ends with %d', async (args, code, sentence) => {
  const ended = await run(args);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(sentence)]);
});
