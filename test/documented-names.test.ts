import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FUNCTION_NAMES } from '../src/expressions/cel/functions.ts';
import { HELPERS } from '../src/templates/helpers.ts';
import { SPECIAL_TRAITS } from './support/special-traits.ts';

const readPage = (name: string) => readFile(join(import.meta.dirname, '../docs', name), 'utf8');

/** The text of a section, up to the next heading. */
async function readSection(page: string, heading: string): Promise<string> {
  const text = (await readPage(page)).replace(/```.*?```/gs, '');
  const start = text.indexOf(`\n${heading}\n`);
  expect(start).toBeGreaterThan(0);
  const rest = text.slice(start + heading.length + 2);
  return rest.slice(0, rest.search(/\n#+ /));
}

const rowsOf = (section: string) =>
  section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n');

test('every helper of templates is documented', async () => {
  const rows = rowsOf(await readSection('templates.md', '## Helpers'));
  const named = Object.keys(HELPERS).filter((name) => new RegExp(`(\\{\\{|\\()${name} `).test(rows));
  expect(named).toEqual(Object.keys(HELPERS));
});

test('every option of a helper is documented', async () => {
  const section = await readSection('templates.md', '## Helpers');
  const dates = await readSection('templates.md', '### Dates');
  for (const option of new Set(Object.values(HELPERS).flatMap(({ options }) => options))) {
    expect(section + dates).toMatch(new RegExp(`\`${option}\`|${option}=`));
  }
});

test('every function of expressions is documented', async () => {
  const rows = rowsOf(await readSection('rules.md', '#### Functions'));
  expect(FUNCTION_NAMES.filter((name) => !new RegExp(`[\`.]${name}\\(`).test(rows))).toEqual([]);
});

test('every special trait is documented', async () => {
  const rows = rowsOf(await readSection('rules.md', '### Special traits'));
  expect(SPECIAL_TRAITS.filter((name) => !rows.includes(`\`${name}\``))).toEqual([]);
});

test('docs/design.md names files and functions that exist', async () => {
  const root = join(import.meta.dirname, '..');
  const paths = (await readdir(join(root, 'src'), { recursive: true })).filter((path) => path.endsWith('.ts'));
  const source = (await Promise.all(paths.map((path) => readFile(join(root, 'src', path), 'utf8')))).join('\n');
  const named = [...(await readPage('design.md')).matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
  const files = named.filter((name) => /^(src|test|docs)\/\S+$/.test(name));
  const functions = named.filter((name) => /^[a-z]+([A-Z][a-z]+)+$/.test(name));
  expect(files.length).toBeGreaterThan(20);
  expect(functions).toContain('decideInOrder');
  expect(files.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  expect(functions.filter((name) => !source.includes(`function ${name}`))).toEqual([]);
});
