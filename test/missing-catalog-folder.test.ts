import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidings-missing-catalog-'));
let database: TestDatabase;
let program: Program;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(async () => {
  program?.killGroup('SIGKILL');
  await program?.ended;
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

test('a catalog folder that is removed leaves its version active, is one line in the log, and counts again when it is back', {
  timeout: 120_000,
}, async () => {
  const catalog = join(folder, 'catalog');
  cpSync(FINTECH, catalog, { recursive: true });
  program = tidings(['api', '--json'], {
    env: {
      DATABASE_URL: database.url,
      PORT: '0',
      TIDINGS_CATALOG: catalog,
      TIDINGS_DATA_DIR: folder,
      TIDINGS_WATCH: 'true',
    },
  });
  const { url } = await program.ready();
  const activeVersion = async () => {
    const response = await fetch(`${url}/api/v1/catalog`);
    return ((await response.json()) as { version: number }).version;
  };
  const catalogCheck = async () => {
    const response = await fetch(`${url}/healthz/ready`);
    const { checks } = (await response.json()) as { checks: { name: string }[] };
    return checks.find(({ name }) => name === 'catalog');
  };
  renameSync(catalog, join(folder, 'moved'));
  await program.says(/the active version stays.*the folder does not exist/s);
  await pause(2000);
  expect(program.stderr.match(/the active version stays/g)).toHaveLength(1);
  expect(await activeVersion()).toBe(1);
  expect(await catalogCheck()).toMatchObject({
    status: 'degraded',
    cause: 'the catalog directory has changed, and is not valid',
    hint: expect.stringContaining('tidings check'),
  });

  const rules = join(folder, 'moved', 'rules.yaml');
  writeFileSync(rules, readFileSync(rules, 'utf8').replace('attempt_number >= 3', 'attempt_number >= 2'));
  renameSync(join(folder, 'moved'), catalog);
  await program.says(/version 2 is active/);
  expect(await activeVersion()).toBe(2);
  await expect.poll(catalogCheck, { timeout: 20_000 }).toMatchObject({ status: 'ok' });
});
