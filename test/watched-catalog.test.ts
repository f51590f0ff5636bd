import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { watchCatalog } from '../src/catalog/load/watch-catalog.ts';

/** A catalog folder may be changed in ways that leave its files alone: it is replaced, or the links to it are. */

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-watched-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Watches a folder, and returns what its rules.yaml said at each change. */
async function watchRules(dir: string): Promise<string[]> {
  const seen: string[] = [];
  const stop = await watchCatalog(
    dir,
    () => {
      seen.push(readFileSync(join(dir, 'rules.yaml'), 'utf8'));
    },
    { quiet: 50 },
  );
  onTestFinished(stop);
  return seen;
}

test('each swap of the links of a Kubernetes ConfigMap is noticed', async () => {
  const dir = makeFolder();
  const put = (version: number) => {
    const folder = `..2025_11_0${version}`;
    mkdirSync(join(dir, folder));
    writeFileSync(join(dir, folder, 'rules.yaml'), `version ${version}`);
    symlinkSync(folder, join(dir, '..data_tmp'));
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  };
  put(1);
  symlinkSync('..data/rules.yaml', join(dir, 'rules.yaml'));
  const seen = await watchRules(dir);
  for (const version of [2, 3, 4, 5]) {
    put(version);
    rmSync(join(dir, `..2025_11_0${version - 1}`), { recursive: true });
    await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe(`version ${version}`);
  }
});

test('a folder that is replaced is still watched', async () => {
  const root = makeFolder();
  const dir = join(root, 'catalog');
  const make = (path: string, content: string) => {
    mkdirSync(path);
    writeFileSync(join(path, 'rules.yaml'), content);
  };
  make(dir, 'first');
  const seen = await watchRules(dir);
  for (const content of ['second', 'third, longer']) {
    make(join(root, content), content);
    renameSync(dir, join(root, `before ${content}`));
    renameSync(join(root, content), dir);
    await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe(content);
  }
  writeFileSync(join(dir, 'rules.yaml'), 'edited in place');
  await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe('edited in place');
});
