import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** The checks before a commit (`npm run hooks`), in a repository of its own. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let repository: string;

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'tidings-hooks-'));
  await git('init', '--quiet');
  await git('config', 'user.email', 'test@example.com');
  await git('config', 'user.name', 'Test');
  await cp(join(ROOT, '.githooks'), join(repository, '.githooks'), { recursive: true });
  await mkdir(join(repository, 'scripts'));
  for (const script of ['check-staged.mjs', 'install-hooks.mjs', 'install.mjs']) {
    await cp(join(ROOT, 'scripts', script), join(repository, 'scripts', script));
  }
  await writeFile(join(repository, '.gitignore'), 'node_modules\n');
});
afterEach(() => rm(repository, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly output: string;
}

function run(command: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) =>
    execFile(command, args, { cwd: repository, env: { ...process.env, GIT_DIR: undefined } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    ),
  );
}
const git = (...args: string[]) => run('git', ...args);
const installHooks = (...args: string[]) => run(process.execPath, 'scripts/install-hooks.mjs', ...args);

async function commit(file: string, content: string | Buffer): Promise<Ended> {
  await writeFile(join(repository, file), content);
  await git('add', '--force', file);
  return git('commit', '--quiet', '--message', 'x');
}

const fake = (prefix: string, length: number) => prefix + 'a1B2'.repeat(length).slice(0, length);

test.each([
  ['white space at the end of a line', 'a.txt', 'a \n', 'a.txt:1: white space'],
  ['a file without a line break at its end', 'a.txt', 'a\nb', 'a.txt:2: no line break'],
  ['an empty line at its end', 'a.txt', 'a\n\n', 'an empty line'],
  ['Windows line breaks', 'a.txt', 'a\r\n', 'line break of Windows'],
  ['a mark of a conflict', 'a.txt', '<<<<<<< HEAD\n', 'merge conflict'],
  ['a large file', 'a.bin', Buffer.alloc(1024 * 1024 + 1), '1048577 bytes'],
  ['a live key', 'a.ts', `const key = '${fake('td_live_', 44)}';\n`, 'a.ts:1: an API key of Tidings'],
  ['a test key', 'a.md', `${fake('td_test_', 44)}\n`, 'an API key of Tidings'],
  ['a private key', 'a.pem', '-----BEGIN PRIVATE KEY-----\n', 'a private key'], // not a secret
  ['an AWS key', 'a.env', `${fake('AKIA', 0)}${'A'.repeat(16)}\n`, 'AWS'],
  ['a GitHub token', 'a.env', `${fake('ghp_', 36)}\n`, 'GitHub'],
])('%s is found', async (_, file, content, finding) => {
  expect((await installHooks()).code).toBe(0);
  const { code, output } = await commit(file, content);
  expect([code, output]).toEqual([1, expect.stringContaining(finding)]);
  // The finding does not show the secret.
  expect(output).not.toContain('a1B2');
});

test('what is in order is committed, with a key that is shown as an example', async () => {
  await installHooks();
  for (const [file, content] of [
    ['a.txt', 'a\n'],
    ['empty.txt', ''],
    ['binary', Buffer.from([0, 13, 10, 32, 10])],
    ['b.md', `${fake('td_live_', 44)} is not a secret\ntd_live_short\n`],
  ] as const) {
    expect([file, await commit(file, content)]).toEqual([file, { code: 0, output: expect.any(String) }]);
  }
});

test('the staged content is checked, not the working copy', async () => {
  await installHooks();
  await writeFile(join(repository, 'a.txt'), 'a \n');
  await git('add', 'a.txt');
  await writeFile(join(repository, 'a.txt'), 'a\n');
  expect((await git('commit', '--quiet', '--message', 'x')).code).toBe(1);
});

test('with the packages installed, YAML, format and types are checked', async () => {
  await symlink(join(ROOT, 'node_modules'), join(repository, 'node_modules'));
  await cp(join(ROOT, 'biome.json'), join(repository, 'biome.json'));
  await writeFile(
    join(repository, 'tsconfig.json'),
    '{ "compilerOptions": { "strict": true, "noEmit": true }, "include": ["*.ts"] }\n',
  );
  await installHooks();
  expect(await commit('a.yaml', 'a: [1\n')).toMatchObject({ code: 1, output: expect.stringMatching(/a\.yaml:\d/) });
  await git('rm', '--cached', '--quiet', 'a.yaml');
  expect(await commit('a.ts', 'export   const a = 1\n')).toMatchObject({
    code: 1,
    output: expect.stringContaining('format and lint'),
  });
  expect(await commit('a.ts', 'export const a: string = 1;\n')).toMatchObject({
    code: 1,
    output: expect.stringContaining('types'),
  });
  expect(await commit('a.ts', 'export const a = 1;\n')).toMatchObject({ code: 0 });
});

test('hooks of another program are left as they are, and ours can be removed', async () => {
  expect((await installHooks()).output).toContain('before each commit');
  expect((await git('config', 'core.hooksPath')).output.trim()).toBe('.githooks');
  await installHooks('--remove');
  expect((await commit('a.txt', 'a \n')).code).toBe(0);
  await git('config', 'core.hooksPath', '.husky');
  expect(await installHooks()).toMatchObject({ code: 1, output: expect.stringContaining('.husky') });
  expect((await git('config', 'core.hooksPath')).output.trim()).toBe('.husky');
});
