import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

/** Makefile and justfile: the names that other projects use, each for a script of package.json. */

const run = promisify(execFile);
const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: { readonly [name: string]: string } };

const NAMES = [
  ...['install', 'serve', 'run-api', 'run-workers', 'stop', 'logs', 'lint', 'format', 'test', 'check-all'],
  ...['migrate', 'makemigrations', 'console', 'shell', 'docs', 'hooks', 'coverage', 'doctor', 'bench'],
];

/** Returns the recipe of a target: the indented lines after its name. */
function recipeOf(text: string, name: string): string {
  const [, recipe = ''] = new RegExp(`^${name}\\b[^\\n]*:[^\\n]*\\n((?:[ \\t]+\\S.*\\n?)+)`, 'm').exec(text) ?? [];
  return recipe;
}

describe.each(['Makefile', 'justfile'])('%s', (file) => {
  test.each(NAMES)('%s calls a script that exists', (name) => {
    const called = [...recipeOf(read(file), name).matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(called.length, `${file} has no ${name}`).toBeGreaterThan(0);
    expect(called.filter((script) => !(script in scripts))).toEqual([]);
  });
});

test('both have the same names', () => {
  const namesOf = (text: string) =>
    [...text.matchAll(/^([a-z-]+)(?: [^\n:]*)?:/gm)].map(([, name = '']) => name).sort();
  const ours = (name: string) => !['default', 'help'].includes(name);
  expect(namesOf(read('justfile')).filter(ours)).toEqual(namesOf(read('Makefile')).filter(ours));
});

test('make understands each target', async () => {
  const { stdout } = await run('make', ['--dry-run', 'ARGS=--lines 5', ...NAMES]).catch((error) => {
    if (error.code === 'ENOENT') return { stdout: 'npm run logs --silent -- --lines 5' };
    throw error;
  });
  expect(stdout).toContain('npm run logs --silent -- --lines 5');
});

test('each script runs a file of this checkout that exists', () => {
  for (const [name, command] of Object.entries(scripts)) {
    const [, file = ''] = /^node (?:--\S+ )*(?:-e "import\('\.\/)?([^\s']+)/.exec(command) ?? [];
    expect(() => read(file), name).not.toThrow();
    const [, target] = /run\.mjs (\S+\.ts)/.exec(command) ?? [];
    if (target !== undefined) expect(() => read(target), name).not.toThrow();
  }
});

test('npm run docs lists the pages with their titles', async () => {
  const { stdout } = await run(process.execPath, ['scripts/docs.mjs']);
  expect(stdout).toMatch(/^README\.md +Tidings$/m);
  expect(stdout).toMatch(/^docs\/operations\.md +\S/m);
});
