import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { listCommands } from './support/cli-commands.ts';
import { codeBlocks, commandsOf } from './support/markdown.ts';

/** The commands that the pages show, beside the program. */

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');

test('the table names every command, and no other', () => {
  const rows = text.split('\n').filter((line) => /^\| `tidings /.test(line));
  const named = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(?:tidings )?([a-z_-]+)/g)].map(([, name = '']) => name),
  );
  const groups = new Set(listCommands().map(({ path }) => path.split(' ')[0] ?? ''));
  expect([...new Set(named)].sort()).toEqual([...groups].sort());
});

const DOCS = fileURLToPath(new URL('../docs', import.meta.url));
const PAGES = new Map(
  [join(ROOT, 'README.md'), ...readdirSync(DOCS, { recursive: true }).map((name) => join(DOCS, `${name}`))]
    .filter((path) => path.endsWith('.md'))
    .map((path) => [relative(ROOT, path), readFileSync(path, 'utf8')]),
);

/** Returns the words of a command after `tidings`; undefined: it is another program. */
function wordsOf(line: string): string[] | undefined {
  const [, rest] = /^(?:[A-Z_]+=\S+ )*(?:npx )?tidings (.*)$/.exec(line.replace(/ <.*$/, '')) ?? [];
  return rest?.split(' ');
}

test.each([...PAGES])('%s shows commands that exist, with options that they have', (_page, page) => {
  const shown = codeBlocks(page)
    .filter(({ language }) => language === 'sh' || language === 'bash')
    .flatMap(commandsOf);
  for (const { text: line } of shown) {
    const words = wordsOf(line);
    if (!words) continue;
    // In a group the command that it runs by default: `tidings sending` is `tidings sending show`.
    const command = listCommands().find(
      ({ path }) => `${words.join(' ')} `.startsWith(`${path} `) || path === `${words.join(' ')} show`,
    );
    expect(command, line).toBeDefined();
    for (const option of words.filter((word) => word.startsWith('--'))) expect(command?.help, line).toContain(option);
  }
});

test.each([...PAGES])('%s names commands in its sentences that exist', (_page, page) => {
  const paths = listCommands().map(({ path }) => path);
  for (const [, name = ''] of page.replace(/```.*?```/gs, '').matchAll(/`(?:npx )?tidings ([a-z][^`\n]*)`/g)) {
    const [first = '', second = ''] = name.split(' ').filter((word) => !word.startsWith('--'));
    const named = first
      .split('|')
      .flatMap((one) => (second === '' ? [one] : second.split('|').map((two) => `${one} ${two}`)));
    for (const one of named) {
      const isThere = paths.some((path) => `${path} `.startsWith(`${one} `) || `${one} `.startsWith(`${path} `));
      expect(isThere || second === '…' || /^[A-Z<]/.test(second), `tidings ${name}`).toBe(true);
    }
  }
});

test('the commands that need nothing else run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-docs-'));
  try {
    const env = { ...process.env, TIDINGS_DATA_DIR: folder, PORT: '0', TIDINGS_URL: '' };
    for (const block of codeBlocks(text).filter(({ language }) => language === 'bash')) {
      for (const { text: line } of commandsOf(block)) {
        const words = line
          .replace('--out types.ts', `--out ${join(folder, 'types.ts')}`)
          .split(' ')
          .slice(2);
        const { stdout } = await run(process.execPath, ['bin/tidings.mjs', ...words], { cwd: ROOT, env }).catch(
          (error) => {
            throw new Error(`${line}\n${error.stdout}${error.stderr}`);
          },
        );
        expect(stdout.trim(), line).not.toBe('');
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
