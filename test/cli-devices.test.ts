import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { tidingsDirectly } from './support/program.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings devices register`: the token of a device need not stand in an option. */

const TOKEN = 'a1b2c3d4'.repeat(8);

let tidings: TestTidings;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
  folder = await mkdtemp(join(tmpdir(), 'tidings-devices-'));
});

afterAll(async () => {
  await server.close();
  await tidings.close();
  await rm(folder, { recursive: true });
});

/** Runs `devices register`; with `input`, that is its standard input. */
async function register(options: readonly string[], input?: string) {
  const args = ['devices', 'register', 'maria', '--platform', 'ios', ...options];
  const env = { TIDINGS_URL: server.url, DEVICE_TOKEN: TOKEN, NOTHING: ' ' };
  if (input === undefined) return runLikeProcess(args, env);
  const program = tidingsDirectly(args, { env, command: ['sh', '-c', `printf '${input}' | node "$0" "$@"`] });
  const code = await program.ended;
  return { code, stdout: program.stdout, output: program.output };
}

test('a token comes from standard input, a file or a variable, and is printed as a mask', async () => {
  const file = join(folder, 'token.txt');
  await writeFile(file, `${TOKEN}\n`);
  const first = await register(['--token-file', '-'], `${TOKEN}\\n`);
  expect([first.code, first.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36} {2}ios {2}apns/)]);
  for (const options of [
    ['--token-file', file],
    ['--token-env', 'DEVICE_TOKEN'],
  ]) {
    const again = await register(options);
    expect([again.code, again.stdout.slice(0, 36)]).toEqual([0, first.stdout.slice(0, 36)]);
    expect(again.output).not.toContain(TOKEN);
    expect(again.output).not.toContain('history');
  }
});

test('a token in an option still works, and a note says who can read it', async () => {
  const { code, stdout, output } = await register(['--token', TOKEN]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/ios {2}apns/)]);
  expect(output).toMatch(/history of your shell.*--token-file -/s);
  expect(output).not.toContain(TOKEN);
});

test.each<[string, readonly string[], number, RegExp]>([
  ['no source', [], 2, /write --token-file FILE .*--token-env VARIABLE, or --token/],
  ['two sources', ['--token', TOKEN, '--token-env', 'DEVICE_TOKEN'], 2, /cannot be used with/],
  ['two others', ['--token-file', '-', '--token-env', 'DEVICE_TOKEN'], 2, /cannot be used with/],
  ['no variable', ['--token-env', 'MISSING'], 1, /--token-env MISSING: the variable is not set/],
  ['an empty one', ['--token-env', 'NOTHING'], 1, /--token: the value is empty/],
  ['no file', ['--token-file', '/nowhere/token'], 1, /cannot be read \(ENOENT\)/],
])('%s is said, without the token', async (_what, options, code, message) => {
  const result = await register(options);
  expect([result.code, result.output]).toEqual([code, expect.stringMatching(message)]);
  expect(result.output).not.toContain(TOKEN);
});

test('the target of a test message is read in the same ways', async () => {
  const env = { TIDINGS_URL: server.url, WHERE: '???' };
  const { code, output } = await runLikeProcess(['providers', 'send-test', 'x', '--to-env', 'WHERE'], env);
  expect([code, output]).toEqual([1, expect.stringMatching(/--to is no address/)]);
});
