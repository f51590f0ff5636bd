import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fingerprintCatalog, watchCatalog } from '../src/catalog/load/watch-catalog.ts';

/** Every way in which files change is noticed: also those that leave the files alone, and those that replace all of them. */

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-watched-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Watches a folder, and returns what its rules.yaml said at each change; '' without the file. */
async function watchRules(dir: string, since?: string, quiet = 50): Promise<string[]> {
  const seen: string[] = [];
  const stop = await watchCatalog(
    dir,
    () => {
      try {
        seen.push(readFileSync(join(dir, 'rules.yaml'), 'utf8'));
      } catch {
        seen.push('');
      }
    },
    { quiet, poll: 50, ...(since === undefined ? {} : { since }) },
  );
  onTestFinished(stop);
  return seen;
}

const isSeen = (seen: string[], content: string) => expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe(content);

test.each([1, 2, 3, 4, 5])('an edit in each of the usual ways is noticed (round %i)', async () => {
  const dir = makeFolder();
  const rules = join(dir, 'rules.yaml');
  writeFileSync(rules, 'first');
  const seen = await watchRules(dir);

  writeFileSync(rules, 'second');
  await isSeen(seen, 'second');
  appendFileSync(rules, ' line');
  await isSeen(seen, 'second line');

  // An editor saves by writing beside the file, and renaming.
  writeFileSync(join(dir, 'rules.yaml.tmp'), 'by rename');
  renameSync(join(dir, 'rules.yaml.tmp'), rules);
  await isSeen(seen, 'by rename');

  // As long as before, and dated back.
  writeFileSync(rules, 'as before');
  utimesSync(rules, 1000, 1000);
  await isSeen(seen, 'as before');

  const count = seen.length;
  mkdirSync(join(dir, 'templates', 'HELLO'), { recursive: true });
  writeFileSync(join(dir, 'templates', 'HELLO', 'sms.en.txt'), 'Hello');
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(count + 1);
  renameSync(join(dir, 'templates', 'HELLO', 'sms.en.txt'), join(dir, 'templates', 'HELLO', 'sms.pt.txt'));
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(count + 2);
  rmSync(rules);
  await isSeen(seen, '');
});

test.each([1, 2, 3, 4, 5])('each swap of the links of a Kubernetes ConfigMap is noticed (round %i)', async () => {
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
    await isSeen(seen, `version ${version}`);
  }
});

test.each([1, 2, 3, 4, 5])(
  'a folder that is replaced, or removed and created again, is still watched (round %i)',
  async () => {
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
      await isSeen(seen, content);
    }
    writeFileSync(join(dir, 'rules.yaml'), 'edited in place');
    await isSeen(seen, 'edited in place');
    rmSync(dir, { recursive: true });
    await isSeen(seen, '');
    const count = seen.length;
    make(dir, 'again');
    await isSeen(seen, 'again');
    expect(seen.length).toBe(count + 1);
    writeFileSync(join(dir, 'rules.yaml'), 'and edited');
    await isSeen(seen, 'and edited');
  },
);

test('a link to the folder that leads elsewhere is noticed', async () => {
  const root = makeFolder();
  for (const release of ['a', 'b']) {
    mkdirSync(join(root, release));
    writeFileSync(join(root, release, 'rules.yaml'), release);
  }
  symlinkSync('a', join(root, 'current'));
  const seen = await watchRules(join(root, 'current'));
  symlinkSync('b', join(root, 'next'));
  renameSync(join(root, 'next'), join(root, 'current'));
  await isSeen(seen, 'b');
});

test('a folder that is being written counts once it stays the same', async () => {
  const dir = makeFolder();
  writeFileSync(join(dir, 'rules.yaml'), 'first');
  const seen = await watchRules(dir, undefined, 500);
  const until = performance.now() + 600;
  let written = 0;
  while (performance.now() < until) {
    writeFileSync(join(dir, 'events.yaml'), `event ${written++}`);
    writeFileSync(join(dir, 'rules.yaml'), `half of ${written}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  writeFileSync(join(dir, 'rules.yaml'), 'whole');
  await isSeen(seen, 'whole');
  expect(seen).toEqual(['whole']);
});

test('a change that could not be applied is tried again', async () => {
  const dir = makeFolder();
  writeFileSync(join(dir, 'rules.yaml'), 'first');
  const [errors, applied]: [unknown[], string[]] = [[], []];
  const stop = await watchCatalog(
    dir,
    () => {
      if (errors.length < 2) throw new Error('the database is away');
      applied.push(readFileSync(join(dir, 'rules.yaml'), 'utf8'));
    },
    { quiet: 20, poll: 20, retry: 50, onError: (error) => errors.push(error) },
  );
  onTestFinished(stop);
  writeFileSync(join(dir, 'rules.yaml'), 'second');
  await isSeen(applied, 'second');
  expect(errors).toHaveLength(2);
});

test('a change between the start and the first look is noticed, and no change calls nothing', async () => {
  const dir = makeFolder();
  writeFileSync(join(dir, 'rules.yaml'), 'applied');
  const before = await fingerprintCatalog(dir);
  expect(await fingerprintCatalog(dir)).toBe(before);
  writeFileSync(join(dir, 'rules.yaml'), 'changed');
  const seen = await watchRules(dir, before);
  await isSeen(seen, 'changed');
  const unchanged = await watchRules(dir, await fingerprintCatalog(dir));
  writeFileSync(join(dir, '.rules.yaml.swp'), 'of an editor');
  writeFileSync(join(dir, 'rules.yaml~'), 'a backup');
  writeFileSync(join(dir, 'README.md'), 'notes');
  symlinkSync('maria@host.4711:1', join(dir, '.#rules.yaml'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(unchanged).toEqual([]);
  expect(readdirSync(dir)).toContain('.#rules.yaml');
  expect(await fingerprintCatalog(dir)).not.toMatch(/^error/);
});
