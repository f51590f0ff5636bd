import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { listCommands } from './support/cli-commands.ts';
import { codeBlocks, commandsOf } from './support/markdown.ts';

/** docs/cli.md, beside the program. */

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const text = await readFile(new URL('../docs/cli.md', import.meta.url), 'utf8');

test('the table names every command, and no other', () => {
  const rows = text.split('\n').filter((line) => /^\| `tidings /.test(line));
  const named = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(?:tidings )?([a-z-]+)/g)].map(([, name = '']) => name),
  );
  const groups = new Set(listCommands().map(({ path }) => path.split(' ')[0] ?? ''));
  expect([...new Set(named)].sort()).toEqual([...groups].sort());
});

test('the shown commands exist, with the shown options', () => {
  const shown = codeBlocks(text)
    .filter(({ language }) => language === 'sh' || language === 'bash')
    .flatMap(commandsOf);
  expect(shown.length).toBeGreaterThan(3);
  for (const { text: line } of shown) {
    const words = line.replace(/^npx /, '').replace(/ <.*$/, '').split(' ').slice(1);
    const command = listCommands().find(({ path }) => `${words.join(' ')} `.startsWith(`${path} `));
    expect(command, line).toBeDefined();
    for (const option of words.filter((word) => word.startsWith('--'))) expect(command?.help, line).toContain(option);
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
        const { stdout } = await run(process.execPath, ['bin/tidings.mjs', ...words], { cwd: ROOT, env });
        expect(stdout.trim(), line).not.toBe('');
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
