import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { watchCatalog } from '../src/catalog/load/watch-catalog.ts';
import { parseCatalog, SMALL_CATALOG } from './support/catalog.ts';

describe('a catalog folder', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tidings-catalog-'));
    await mkdir(join(dir, 'templates/WELCOME'), { recursive: true });
    for (const [file, text] of Object.entries(SMALL_CATALOG)) await writeFile(join(dir, file), text);
    for (const file of ['.hidden.yaml', 'README.md', 'notes.txt', 'templates/WELCOME/sms.en.txt~', 'cases.yaml']) {
      await writeFile(join(dir, file), '[');
    }
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('is loaded without files that are not part of the catalog', async () => {
    const source = await loadCatalogFiles(dir);
    expect([...source.keys()]).toEqual([...Object.keys(SMALL_CATALOG), 'cases.yaml'].sort());
    await expect(parseCatalog(source)).resolves.toMatchObject({ rules: [{ name: 'WELCOME' }] });
  });

  it('reports a path that does not exist or is not a folder', async () => {
    await expect(loadCatalogFiles(join(dir, 'nowhere'))).rejects.toHaveProperty('name', 'CatalogError');
    await expect(loadCatalogFiles(join(dir, 'README.md'))).rejects.toHaveProperty('name', 'CatalogError');
  });

  it('reports a file that is not UTF-8', async () => {
    const file = join(dir, 'templates/WELCOME/sms.pt.txt');
    await writeFile(file, Buffer.from([0xff, 0xfe, 0x41]));
    await expect(loadCatalogFiles(dir)).rejects.toThrow('templates/WELCOME/sms.pt.txt:1:1: the file is not UTF-8');
    await rm(file);
  });

  it('is watched: reports a change after a quiet time, passes errors to onError, and stops', async () => {
    const changes = signals();
    const errors = signals();
    let broken = false;
    const stop = await watchCatalog(
      dir,
      () => {
        changes.give();
        if (broken) throw new Error('broken edit');
      },
      { quiet: 20, onError: () => errors.give() },
    );
    const first = changes.next();
    await writeFile(join(dir, 'rules.yaml'), `${SMALL_CATALOG['rules.yaml']}    expires: 2d\n`);
    await first;
    expect((await parseCatalog(await loadCatalogFiles(dir))).rules[0]?.expires).toBe(172_800_000);

    broken = true;
    const failed = errors.next();
    await writeFile(join(dir, 'templates/WELCOME/sms.en-GB.txt'), 'Hello');
    await failed;

    await stop();
    const count = changes.count;
    await writeFile(join(dir, 'rules.yaml'), SMALL_CATALOG['rules.yaml']!);
    await loadCatalogFiles(dir);
    expect(changes.count).toBe(count);
  });
});

function signals() {
  let count = 0;
  let wake: (() => void) | undefined;
  return {
    get count() {
      return count;
    },
    give() {
      count++;
      wake?.();
    },
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}
