import { spawn, spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings members …`, alone and behind a terminal, which the program `script` provides. */

const HAS_SCRIPT = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});
beforeEach(async () => {
  vi.stubEnv('TIDINGS_URL', server.url);
  await tidings.database.pool.query('delete from members');
});
afterEach(() => vi.unstubAllEnvs());

async function add(...args: string[]): Promise<string> {
  const { text, exitCode } = await runCommand('members', 'add', ...args, '--json');
  expect([text, exitCode]).toEqual([text, 0]);
  return JSON.parse(text).member_id;
}

test('a member is added, listed, given another role and removed', async () => {
  const added = await runCommand('members', 'add', 'ann@example.com', '--role', 'operator', '--name', 'Ann');
  expect(added).toMatchObject({
    exitCode: 0,
    text: expect.stringMatching(/^Added: \S+ {2}operator {2}invited {2}Ann {2}a…@example\.com$/),
  });
  const id = added.text.split(/\s+/)[1] as string;
  const roles = await runCommand('members', 'role', id, 'viewer');
  expect(roles.text).toMatch(/^Changed: \S+ {2}viewer/);
  expect((await runCommand('members', 'list')).text).toMatch(/viewer {4}invited {2}Ann/);
  expect(JSON.parse((await runCommand('members', 'list', '--json')).text).members).toMatchObject([{ member_id: id }]);
  expect((await runCommand('members', 'remove', id, '--yes')).text).toMatch(/^Removed: /);
  expect((await runCommand('members', 'list')).text).toBe('No members.');
});

test.each([
  ['an unknown role', ['add', 'ann@example.com', '--role', 'operater'], /did you mean operator/],
  ['an address that is not one', ['add', 'ann', '--role', 'viewer'], /email/],
  ['neither an address nor a login', ['add', '--role', 'viewer'], /email/],
  [
    'an unknown member',
    ['role', '00000000-0000-0000-0000-000000000000', 'viewer'],
    /no such member|not found|does not exist|no member/i,
  ],
])('%s fails and says why', async (_what, args, message) => {
  const { exitCode, errors } = await runCommand('members', ...args);
  expect(exitCode).toBeGreaterThan(0);
  expect(errors).toMatch(message);
});

test('without a terminal nothing is removed unless --yes is given', async () => {
  const id = await add('ann@example.com', '--role', 'viewer');
  expect((await runCommand('members', 'remove', id)).exitCode).toBe(2);
  expect((await runCommand('members', 'list')).text).toContain(id);
});

describe.runIf(HAS_SCRIPT)('behind a terminal', () => {
  function run(command: string, answer?: string): Promise<{ code: number | null; output: string }> {
    return new Promise((resolve) => {
      const program = `${process.execPath} dist/tidings.mjs ${command}`;
      const env = {
        PATH: process.env.PATH,
        TERM: 'xterm',
        TIDINGS_URL: server.url,
        DATABASE_URL: tidings.database.url,
        TIDINGS_ENCRYPTION_KEY: tidings.key,
      };
      const child = spawn('script', ['--quiet', '--return', '--command', program, '/dev/null'], { env });
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
        if (answer !== undefined && output.includes('[y/N]')) {
          child.stdin.write(answer);
          answer = undefined;
        }
      });
      child.on('close', (code) => resolve({ code, output }));
    });
  }

  test.each([
    ['y\n', 0, 'Removed'],
    ['n\n', 1, 'nothing was changed'],
    ['\n', 1, 'nothing was changed'],
  ])('a removal asks first: the answer %j ends with %i', async (answer, code, says) => {
    const id = await add('ann@example.com', '--role', 'viewer');
    const ended = await run(`members remove ${id}`, answer);
    expect(ended.output).toContain(`Remove the member ${id}?`);
    expect(ended).toMatchObject({ code, output: expect.stringContaining(says) });
    expect((await runCommand('members', 'list')).text.includes(id)).toBe(code !== 0);
  });

  test('a name cannot control the terminal', async () => {
    await tidings.database.pool.query(
      `insert into members (tenant_id, member_id, role, name, issuer, subject, added_by)
       values ('default', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', 'viewer', $1, 'https://id.example.com', 's', '{}')`,
      ['Eve\u001b[2J\u001b]0;title\u0007'],
    );
    const { output } = await run('members list');
    expect(output).toContain('Eve');
    for (const control of ['\u001b[2J', '\u001b]0;', '\u0007']) expect(output).not.toContain(control);
  });

  test('a link for an owner is printed, and logs one in', async () => {
    const { code, output } = await run('members link');
    expect(code).toBe(0);
    const [, link = ''] = /#\/login\/(\S+)/.exec(output) ?? [];
    const answer = await server.post('/api/v1/session', { link });
    expect([answer.status, (await runCommand('members', 'list')).text]).toEqual([
      200,
      expect.stringContaining('owner'),
    ]);
  });
});
