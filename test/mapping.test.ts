import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listCommands } from './support/cli-commands.ts';

/** docs/mapping.md says what the names of other systems are here: what it names is there. */

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const page = read('docs/mapping.md');
/** The right column of each table: what is here. */
const here = page.split('\n').flatMap((line) => /^\| .* \| (.*) \|$/.exec(line)?.[1] ?? []);
const codes = here.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));

test('the operations that it names are in the API', () => {
  const { paths } = JSON.parse(read('docs/openapi.json')) as { paths: { [path: string]: object } };
  const known = new Set(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((one) => `${one.toUpperCase()} ${path}`),
    ),
  );
  const named = codes.filter((code) => /^(GET|POST|PUT|PATCH|DELETE) \//.test(code));
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((one) => !known.has(one))).toEqual([]);
});

test('so are the commands, scripts and recipes', () => {
  const commands = listCommands().map(({ path }) => path);
  const named = codes.flatMap((code) => /^tidings (.+)$/.exec(code)?.[1] ?? []);
  expect(named.length).toBeGreaterThan(8);
  expect(
    named.filter(
      (one) => !commands.some((path) => one === path || one.startsWith(`${path} `) || path.startsWith(`${one} `)),
    ),
  ).toEqual([]);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { [name: string]: string } };
  const run = [...page.matchAll(/`npm run ([\w:]+)`/g)].map(([, name = '']) => name);
  expect(run.filter((name) => !(name in scripts))).toEqual([]);
  const recipes = new Set([...read('justfile').matchAll(/^([\w-]+)[^:\n]*:/gm)].map(([, name]) => name));
  const row = page.split('\n').find((line) => line.startsWith('| `just serve`')) ?? '';
  const left = row.split(' | ')[0] ?? '';
  const names = [...left.matchAll(/`(?:just )?([\w-]+)`/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !recipes.has(name))).toEqual([]);
});

test('every name of its left column is there once', () => {
  const names = page.split('\n').flatMap((line) => /^\| (`[^|]*) \| /.exec(line)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(40);
  expect(new Set(names).size).toBe(names.length);
});
