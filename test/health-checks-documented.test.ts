import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('the docs of operations say of each check of health when it is degraded', () => {
  const files = readdirSync(new URL('../src/health', import.meta.url));
  const names = files.flatMap((file) =>
    [...read(`src/health/${file}`).matchAll(/^ {4}name: '(\w+)',$/gm)].map(([, name = '']) => name),
  );
  const loops = [...read('src/process/workers.ts').matchAll(/\{ name: '(\w+)', poll/g)].map(([, name = '']) => name);
  expect(loops).toContain('delivery');
  names.push(...loops);
  expect(names).toContain('database');
  const documented = [...read('docs/operations.md').matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].map(
    ([, cell = '']) => cell,
  );
  expect(names.filter((name) => !documented.some((cell) => cell.includes(`\`${name}\``)))).toEqual([]);
});
