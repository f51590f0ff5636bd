import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import packageFile from '../package.json' with { type: 'json' };
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { CHANNELS } from '../src/model/delivery.ts';
import { lintFiles, loadExample } from './support/catalog.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/**
 * The templates of an example on a fresh database, by the command line: seed, preview, test, activate, roll back, export, and
 * check.
 */

const EXAMPLE = new URL('../examples/marketplace/', import.meta.url).pathname;

let tidings: TestTidings;
let server: TestServer;
let folder: string;
const { TIDINGS_URL } = process.env;

beforeAll(async () => {
  const sandbox = sandboxProvider(CHANNELS);
  tidings = await testTidings(
    Object.fromEntries(CHANNELS.map((channel) => [channel, sandbox])),
    await loadExample('marketplace'),
  );
  server = await testServer(tidings);
  process.env.TIDINGS_URL = server.url;
  folder = await mkdtemp(join(tmpdir(), 'tidings-lifecycle-'));
}, 180_000);

afterAll(async () => {
  if (TIDINGS_URL === undefined) delete process.env.TIDINGS_URL;
  else process.env.TIDINGS_URL = TIDINGS_URL;
  await server?.close();
  await tidings?.close();
  if (folder) await rm(folder, { recursive: true });
});

const run = async (...args: string[]) => {
  const { exitCode, text, errors } = await runCommand('templates', ...args);
  expect(exitCode, errors || text).toBe(0);
  return text;
};

test('every step works, and what is exported is the catalog that was seeded', { timeout: 300_000 }, async () => {
  // npm run seed:notifications
  const [program, script, group, ...seed] = packageFile.scripts['seed:notifications'].split(' ');
  expect([program, script, group]).toEqual(['node', 'bin/tidings.mjs', 'templates']);
  const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'seed:notifications', '--', EXAMPLE, '--json'], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env },
  });
  const seeded = JSON.parse(stdout);
  expect(seeded).toMatchObject({ same: 0, problems: [] });
  expect(seeded.changed).toBeGreaterThan(80);
  expect(JSON.parse(await run(...seed, EXAMPLE, '--json'))).toMatchObject({ changed: 0, same: seeded.changed });

  const preview = JSON.parse(await run('preview', 'ORDER_SHIPPED', '--locale', 'es', '--json'));
  expect([preview.locale, preview.findings.filter((one: { severity: string }) => one.severity === 'error')]).toEqual([
    'es',
    [],
  ]);
  await server.send('PATCH', '/api/v1/users/u1', { traits: { email: 'ana@example.com', first_name: 'Ana' } });
  expect(await run('test', 'ORDER_SHIPPED', '--user', 'u1', '--channel', 'email')).toContain('accepted by email');

  const { body } = await server.get('/api/v1/templates?type=ORDER_SHIPPED&channel=email&locale=en&limit=1');
  const [{ name, template_id: id }] = body.templates;
  await server.send('PATCH', `/api/v1/templates/${id}`, { parts: { subject: 'Changed' } });
  expect(await run('activate', name)).toContain('Active: version 2');
  expect(await run('rollback', name)).toContain('Active: version 1');

  const out = join(folder, 'catalog');
  await run('export', out);
  for (const [path, text] of await loadExample('marketplace')) {
    if (path.startsWith('templates/')) continue;
    await mkdir(dirname(join(out, path)), { recursive: true });
    await writeFile(join(out, path), text);
  }
  const [before, after] = [
    await lintFiles(await loadExample('marketplace')),
    await lintFiles(await loadCatalogFiles(out)),
  ];
  expect(after.problems).toEqual(before.problems);
  expect(after.data).toEqual(before.data);
});
