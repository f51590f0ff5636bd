import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyCatalogDirectory } from '../src/catalog/stored/apply-directory.ts';
import { TEMPLATE_CATALOG, type TemplateApi, templateApi, WELCOME } from './support/stored-templates.ts';
import { TENANT } from './support/tidings.ts';

/** The catalog directory, which every start applies, beside templates of the API. */

let api: TemplateApi;
let folder: string;

beforeAll(async () => {
  api = await templateApi();
  folder = await mkdtemp(join(tmpdir(), 'tidings-directory-'));
  for (const [path, text] of Object.entries(TEMPLATE_CATALOG)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
});

afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

function start() {
  const { database, catalogs, clock } = api.tidings;
  return applyCatalogDirectory({ pool: database.pool, catalogs, tenantId: TENANT }, folder, clock.now);
}

test('templates of the API survive a start and a change of the directory, and the setting `files` ends them', async () => {
  await start();
  await api.setSource('api');
  await start();
  await api.make(WELCOME);
  expect(await start()).toMatchObject({ changed: false, isOther: false });
  expect(await api.mail('after a start')).toMatchObject({ subject: 'Welcome, Maria', template_version: 1 });

  await writeFile(join(folder, 'events.yaml'), 'events: { signed_up: {}, paid: {}, left: {} }');
  await writeFile(join(folder, 'templates/OFFER/email.en.txt'), 'Another offer of the file');
  expect(await start()).toMatchObject({ changed: true });
  expect(await api.mail('after a change')).toMatchObject({ subject: 'Welcome, Maria', template_version: 1 });
  expect(await api.mail('of a file', 'paid')).toMatchObject({ text: 'Another offer of the file' });
  expect(await start()).toMatchObject({ changed: false });

  await api.setSource('files');
  expect(await start()).toMatchObject({ changed: true });
  expect(await api.mail('files again')).toMatchObject({ subject: 'Hello of the file' });
  expect((await api.get('/CLIENT_WELCOME')).body).toMatchObject({ state: 'archived', active_version: null });
});
