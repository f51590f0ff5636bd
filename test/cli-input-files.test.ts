import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A fault of the input of a command is said in a sentence, never by a stack. */

let tidings: TestTidings;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
  folder = await mkdtemp(join(tmpdir(), 'tidings-input-'));
  await writeFile(join(folder, 'bad.ndjson'), 'no JSON\n');
});

afterAll(async () => {
  await server.close();
  await tidings.close();
  await rm(folder, { recursive: true });
});

async function run(...args: string[]) {
  const { code, output } = await runLikeProcess(args, { TIDINGS_URL: server.url });
  return { code, output };
}

test.each([
  ['consents import', ['consents', 'import', 'missing.ndjson']],
  ['batches add', ['batches', 'add', 'BATCH', 'missing.ndjson']],
  ['lists add', ['lists', 'add', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', 'missing.ndjson']],
  ['suppressions import', ['suppressions', 'import', 'missing.ndjson']],
  ['templates import', ['templates', 'import', 'missing.xlf']],
])(
  '%s: a file that is not there',
  async (_command, args) => {
    const { body } = await server.post('/api/v1/batches', { type: 'WELCOME_EMAIL' });
    const { code, output } = await run(...args.map((arg) => (arg === 'BATCH' ? body.batch_id : arg)));
    expect(code).toBe(1);
    expect(output).toMatch(/^tidings: .*missing\.(ndjson|xlf).*\n$/);
  },
  60_000,
);

test('a line of a file that is no JSON', async () => {
  const { code, output } = await run('suppressions', 'import', join(folder, 'bad.ndjson'));
  expect([code, output]).toEqual([1, expect.stringMatching(/^tidings: line 1 of .* is not a JSON object\.\n$/)]);
}, 60_000);

test('options that contradict each other, or that are missing', async () => {
  expect(await run('batches', 'create', '--type', 'WELCOME_EMAIL', '--list', 'x', '--segment', 'y')).toMatchObject({
    code: 2,
    output: expect.stringContaining('cannot be used with'),
  });
  expect(await run('segments', 'preview')).toEqual({
    code: 1,
    output: 'tidings: Name a segment, or give a --condition.\n',
  });
}, 60_000);

test('a notification type that does not exist is an error, with the nearest name', async () => {
  await server.send('PUT', '/api/v1/users/u1', { traits: { email: 'u1@example.com' } });
  expect(await run('preferences', 'explain', 'u1', 'WELCOME_EMIAL')).toEqual({
    code: 1,
    output:
      'tidings: The catalog has no notification type WELCOME_EMIAL that goes to users; did you mean WELCOME_EMAIL?\n',
  });
}, 60_000);
