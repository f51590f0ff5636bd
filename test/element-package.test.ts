import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { ensureElements } from '../scripts/install.mjs';

const FOLDER = join(import.meta.dirname, '..', 'packages', 'inbox');

beforeAll(() => ensureElements());

// Sizes in KB of gzip: each script is complete in itself.
test.each([
  ['client.js', 5],
  ['inbox.js', 18],
  ['preferences.js', 13],
  ['tidings.js', 26],
])('%s needs at most %d KB', (file, most) => {
  const bytes = gzipSync(readFileSync(join(FOLDER, 'dist', file)), { level: 9 }).length;
  expect(bytes).toBeLessThanOrEqual(most * 1024);
});

test('everything that the package exports is there once its types are made, as they are before it is packed', async () => {
  await promisify(execFile)('npm', ['run', 'types'], { cwd: FOLDER });
  const { exports } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8'));
  const files = Object.values(exports).flatMap((one) => (typeof one === 'string' ? one : Object.values(one as object)));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => !existsSync(join(FOLDER, file)))).toEqual([]);
});

test('no script needs another, makes HTML of a text, or sets a style by an attribute', () => {
  for (const file of ['client.js', 'inbox.js', 'preferences.js', 'tidings.js']) {
    const source = readFileSync(join(FOLDER, 'dist', file), 'utf8');
    expect(source).not.toMatch(
      /\bimport\s*[({"']|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|"style",/,
    );
  }
});

test('the wrappers for React and Vue are those of custom-elements.json, which names each attribute', async () => {
  const { generateReact, generateVue } = await import('../packages/inbox/generate.mjs' as string);
  const squeeze = (text: string) => text.replace(/[\s,;()|]+/g, '');
  for (const [name, text] of [
    ['react', generateReact()],
    ['vue', generateVue()],
  ] as const) {
    expect(squeeze(readFileSync(join(FOLDER, 'src/wrappers', `${name}.ts`), 'utf8'))).toBe(squeeze(text));
  }
  const { modules } = JSON.parse(readFileSync(join(FOLDER, 'custom-elements.json'), 'utf8'));
  for (const { path, declarations } of modules) {
    const source = readFileSync(join(FOLDER, path), 'utf8');
    const observed = /observedAttributes = \[([^\]]*)\]/.exec(source)?.[1]?.match(/[a-z-]+/g) ?? [];
    const [{ attributes, events }] = declarations;
    expect([path, attributes.map(({ name }: { name: string }) => name)]).toEqual([path, observed]);
    for (const { name } of events) {
      const isRead = ['tidings-read', 'tidings-archive', 'tidings-snooze'].includes(name);
      expect([name, isRead || source.includes(`'${name}'`)]).toEqual([name, true]);
    }
  }
});

test('every language has the texts that English has', async () => {
  for (const kind of ['inbox', 'preferences']) {
    const folder = join(FOLDER, 'src', 'strings', kind);
    const keysOf = (language: string) =>
      [...readFileSync(join(folder, `${language}.ts`), 'utf8').matchAll(/^ {2}'?([\w.-]+)'?:/gm)].map(([, key]) => key);
    const english = keysOf('en');
    const fillsOf = (language: string) =>
      [...readFileSync(join(folder, `${language}.ts`), 'utf8').matchAll(/\{\w+\}/g)].map(([fill]) => fill).sort();
    for (const language of ['de', 'es', 'pt']) {
      expect([language, keysOf(language).sort()]).toEqual([language, [...english].sort()]);
      expect([language, fillsOf(language)]).toEqual([language, fillsOf('en')]);
      // In one text, with this sign between them.
      expect(readFileSync(join(folder, `${language}.ts`), 'utf8').replace(/^import.*$/gm, '')).not.toMatch(
        /'[^'\n]*\|[^'\n]*'/,
      );
    }
  }
});
