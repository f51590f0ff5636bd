import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { TEMPLATE_CATALOG, type TemplateApi, templateApi } from './support/stored-templates.ts';

/** `tidings templates`: from the files of a catalog to the API, to translators, and back to files. */

let api: TemplateApi;
let folder: string;

beforeAll(async () => {
  api = await templateApi();
  folder = await mkdtemp(join(tmpdir(), 'tidings-templates-'));
  for (const [path, text] of Object.entries(TEMPLATE_CATALOG)) {
    await mkdir(dirname(join(folder, 'catalog', path)), { recursive: true });
    await writeFile(join(folder, 'catalog', path), text);
  }
});

afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => runLikeProcess(['templates', ...args], { TIDINGS_URL: api.server.url });

test('templates are seeded, listed, activated, rolled back and exported', async () => {
  const seed = () => run('seed', join(folder, 'catalog'), '--json');
  const rejected = await seed();
  expect([rejected.code, JSON.parse(rejected.stdout).code]).toEqual([1, 'managed_by_files']);
  await api.setSource('api');
  expect(JSON.parse((await seed()).stdout)).toMatchObject({ changed: 3, same: 0 });
  expect((await run('list')).stdout).toMatch(/^WELCOME {2}WELCOME by email in en {2}active version 1 {2}/m);
  await api.patch('/WELCOME', { parts: { text: 'Second' } });
  expect((await run('activate', 'WELCOME')).stdout).toContain('Active: version 2 (before: version 1)');
  expect((await run('rollback', 'WELCOME')).stdout).toContain('Active: version 1 (before: version 2)');
  expect((await run('activate', 'WELCOME', '--to', '2')).stdout).toContain('Active: version 2');
  const unknown = await run('activate', 'NOTHING');
  expect([unknown.code, unknown.output]).toEqual([1, expect.stringContaining('no such template')]);
  const exported = join(folder, 'exported');
  expect((await run('export', exported)).stdout).toContain('Written: 7 files');
  expect(await readFile(join(exported, 'templates/WELCOME/email.en.txt'), 'utf8')).toBe('Second');
  expect(await readFile(join(exported, 'templates/_layouts/main.html'), 'utf8')).toBe(
    TEMPLATE_CATALOG['templates/_layouts/main.html'],
  );
});

test('translations go to a file and come back', async () => {
  const file = join(folder, 'es.xlf');
  const given = JSON.parse((await run('translations', file, '--to', 'es', '--json')).stdout);
  expect(given.missing).toContain('OFFER_SMS/text');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll('</source>', '</source><target>Hola</target>'));
  expect(JSON.parse((await run('import', file, '--activate', '--json')).stdout)).toMatchObject({
    changed: 3,
    missing: [],
  });
  expect(await api.mail('es', 'signed_up', { locale: 'es' })).toMatchObject({ subject: 'Hola' });
  const json = join(folder, 'es.json');
  await run('translations', json, '--to', 'es');
  expect(JSON.parse((await run('import', json, '--json')).stdout)).toMatchObject({ changed: 0, same: 3, stale: [] });
});
