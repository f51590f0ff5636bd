import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createAccess } from '../src/cli/mcp/tidings-access.ts';
import { runCommand } from './support/cli.ts';

/** A server that answers everything: what is asked of it shows where an id has led. */
let server: Server;
let asked: string[] = [];
let answer = '{}';
let url: string;

beforeAll(async () => {
  server = createServer(({ method, url: path }, response) => {
    asked.push(`${method} ${path}`);
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => vi.stubEnv('TIDINGS_URL', url));
afterEach(() => {
  vi.unstubAllEnvs();
  asked = [];
  answer = '{}';
});
afterAll(() => void server.close());

test.each([
  ['explain', '..', 'keys'],
  ['explain', '.', 'users'],
  ['explain', '', 'WELCOME'],
  ['keys', 'rotate', '..'],
  ['jobs', 'show', '.'],
  ['deliveries', 'retry', '..'],
])('a command asks nothing with an id that would lead elsewhere: %s %s %s', async (...args) => {
  const { errors, exitCode } = await runCommand(...args);
  expect(errors).toContain('cannot be part of an address');
  expect(exitCode).toBe(1);
  expect(asked).toEqual([]);
});

test('neither does a tool of an assistant', async () => {
  const { get, post } = createAccess({ TIDINGS_URL: url }, 'examples/fintech');
  await expect(get('/api/v1/explain/../keys')).rejects.toThrow('cannot be part of an address');
  await expect(post('/api/v1/deliveries/../cancel')).rejects.toThrow('cannot be part of an address');
  expect(asked).toEqual([]);
});

test('an id that only looks like it is sent as it is', async () => {
  answer = '{"paragraph":"","decisions":[]}';
  await runCommand('explain', '..a/%2e', '...', '--json');
  expect(asked).toEqual(['GET /api/v1/explain/..a%2F%252e/...']);
});

test('a response that is not JSON is reported as such, and not as a result', async () => {
  answer = '<html>Log in</html>';
  const { errors, exitCode } = await runCommand('queue');
  expect(errors).toContain('is not one of Tidings');
  expect(exitCode).toBe(1);
});
