import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { connect } from '../src/cli/operation/api-client.ts';

const SECRET = 'hunter2-secret';

test.each([
  ['http://user:hunter2-secret@127.0.0.1:1', /^TIDINGS_URL holds a user or a password/],
  ['user:hunter2-secret@127.0.0.1', /^TIDINGS_URL is not valid; set TIDINGS_URL to the address of Tidings/],
  ['http://hunter2-secret:x', /^TIDINGS_URL is not valid; set TIDINGS_URL to the address of Tidings/],
  ['http://127.0.0.1:1/?key=hunter2-secret', /^Tidings cannot be reached at http:\/\/127\.0\.0\.1:1;/],
])('does not repeat TIDINGS_URL=%s', async (TIDINGS_URL, sentence) => {
  const error = await (async () => connect({ TIDINGS_URL }).get('/'))().catch((reason: Error) => reason);
  expect((error as Error).message).toMatch(sentence);
  expect((error as Error).message).not.toContain(SECRET);
});

test('says how to give a key to an installation that asks for one', async () => {
  const server = createServer((_, response) =>
    response.writeHead(401).end('{"code":"unauthorized","detail":"Send it."}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const TIDINGS_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const messageWith = (TIDINGS_API_KEY?: string) =>
    connect({ TIDINGS_URL, TIDINGS_API_KEY })
      .get('/')
      .catch((reason: Error) => reason.message);
  try {
    expect(await messageWith()).toMatch(
      / needs an API key; set TIDINGS_API_KEY, or choose an installation with --profile/,
    );
    expect(await messageWith('a-wrong-key')).toBe('Send it.');
  } finally {
    server.close();
  }
});
