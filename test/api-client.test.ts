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
