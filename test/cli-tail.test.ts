import { afterEach, beforeEach, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings tail`: the decisions of a running Tidings, as they are made. */

let tidings: TestTidings;
let server: TestServer;
let running: Program | undefined;

beforeEach(async () => {
  tidings = await testTidings({ email: sandboxProvider(['email']) });
  server = await testServer(tidings);
});
afterEach(async () => {
  running?.kill('SIGKILL');
  await server.close();
  await tidings.close();
});

const start = (url: string, ...args: string[]) => {
  running = tidingsDirectly(['tail', ...args], { env: { TIDINGS_URL: url } });
  return running;
};
const post = (user: string, type = 'signup_completed') =>
  server.post('/api/v1/events', {
    user_id: user,
    event_type: type,
    event_timestamp: '2025-10-31T19:00:00Z',
    user_traits: { marketing_opt_in: true },
  });
const decided = (program: Program) => program.stdout.trim().split('\n').filter(Boolean);

test('prints each new decision once, and ends cleanly with Ctrl-C', async () => {
  await post('before');
  const program = start(server.url);
  await program.says(/Waiting for decisions/);
  await post('after');
  await program.says(/send {9}WELCOME_EMAIL {2}after {2}To be sent/);
  // Two more looks, which find it again.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  program.kill('SIGINT');
  expect(await program.ended).toBe(0);
  expect(decided(program).filter((line) => line.includes('WELCOME_EMAIL'))).toHaveLength(1);
  expect(program.stdout).not.toContain('before');
});

test('follows one user or one rule, as JSON', async () => {
  const program = start(server.url, '--user', 'mine', '--rule', 'WELCOME_EMAIL', '--json');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await post('other');
  await post('mine');
  await program.says(/"user_id":"mine"/);
  expect(JSON.parse(decided(program)[0] ?? '')).toMatchObject({ user_id: 'mine', rule: 'WELCOME_EMAIL' });
  expect(program.stdout).not.toContain('other');
});

test('goes on after a restart of the server, and misses nothing that was decided meanwhile', async () => {
  const program = start(server.url);
  await program.says(/Waiting for decisions/);
  const { port } = new URL(server.url);
  await server.close();
  await program.says(/cannot be reached.*trying again/);
  server = await testServer(tidings, { port: Number(port) });
  await post('late');
  await program.says(/send.* late /);
  expect(program.stderr).toContain('Connected again');
  program.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});

test('a server that does not answer from the start, and a wrong key, end it with exit code 1', async () => {
  expect(await start('http://127.0.0.1:9').ended).toBe(1);
  await server.close();
  server = await testServer(tidings, { apiKeys: ['a-key-of-enough-characters'] });
  const program = start(server.url);
  expect(await program.ended).toBe(1);
  expect(program.stderr).toContain('key');
});
