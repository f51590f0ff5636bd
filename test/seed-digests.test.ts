import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `templates seed --api` with a catalog that has templates for digests, and with one that cannot be seeded. */

const FILES = new Map([
  ['events.yaml', 'events: { published: { properties: { title: string } } }'],
  ['notifications.yaml', 'notifications: { NEWS: { category: SYSTEM, channels: [email] } }'],
  ['rules.yaml', 'rules: { NEWS: { on: published } }'],
  ['preferences.yaml', 'frequency: { NEWS: DAILY }'],
  ['templates/NEWS/email.en.subject.txt', 'News'],
  ['templates/NEWS/email.en.txt', '{{event.title}}'],
  ['templates/NEWS.digest/email.en.subject.txt', 'All news'],
  ['templates/NEWS.digest/email.en.txt', '{{#each items}}{{event.title}}{{/each}}'],
]);

let tidings: TestTidings;
let server: TestServer;
let folder: string;
beforeEach(async () => {
  tidings = await testTidings({}, FILES);
  server = await testServer(tidings);
  folder = await mkdtemp(join(tmpdir(), 'tidings-seed-'));
  for (const [path, text] of FILES) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
});
afterEach(async () => {
  await server.close();
  await tidings.close();
  await rm(folder, { recursive: true });
});

async function seed() {
  const { code, output } = await runLikeProcess(['templates', 'seed', '--api', folder], { TIDINGS_URL: server.url });
  return { code, output };
}

const settings = async () => (await server.get('/api/v1/tenant')).body.settings;

test('templates for digests stay those of the catalog', async () => {
  expect(await seed()).toEqual({ code: 0, output: 'Changed: 1, as before: 0\n' });
  expect(await settings()).toEqual({ template_source: 'api' });
  const { templates } = (await tidings.catalogs.refresh('default')).data;
  expect(templates.map(({ notificationType, stored }) => [notificationType, stored !== undefined]).sort()).toEqual([
    ['NEWS', true],
    ['NEWS.digest', false],
  ]);
}, 60_000);

test('what cannot be seeded changes nothing, nor where templates are made', async () => {
  await writeFile(join(folder, 'templates/NEWS/email.en.txt'), '{{event.title');
  const { code, output } = await seed();
  expect([code, output]).toEqual([1, expect.stringContaining('cannot be read as a template')]);
  expect(await settings()).toEqual({});
}, 60_000);
