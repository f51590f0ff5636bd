import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/** A start that fails changes nothing: not the catalog that runs, and it leaves no server behind. */

const folder = mkdtempSync(join(tmpdir(), 'tidings-failed-start-'));
const programs: Program[] = [];
let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(async () => {
  for (const program of programs) program.killGroup('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

function start(env: { readonly [name: string]: string }): Program {
  const program = tidings(['start', '--json'], { env: { TMPDIR: folder, TIDINGS_LOG_LEVEL: 'info', ...env } });
  programs.push(program);
  return program;
}

test('on a port that is in use, a second program changes nothing and says so in a sentence', async () => {
  const env = { DATABASE_URL: database.url, TIDINGS_DATA_DIR: join(folder, 'data') };
  const first = start({ ...env, PORT: '0', TIDINGS_CATALOG: FINTECH });
  const { url, catalog_version } = await first.ready();
  const other = join(folder, 'my-catalog');
  cpSync(FINTECH, other, { recursive: true });
  const rules = join(other, 'rules.yaml');
  writeFileSync(rules, readFileSync(rules, 'utf8').replace('attempt_number >= 3', 'attempt_number >= 2'));

  const { port } = new URL(url as string);
  const second = start({ ...env, PORT: port, TIDINGS_CATALOG: other });
  expect(await second.ended).toBe(1);
  expect(second.stderr).toMatch(new RegExp(`^tidings: Port ${port} is in use, .* Nothing was changed\\.$`, 'm'));
  expect(second.stderr).not.toContain('EADDRINUSE');

  const versions = await fetch(`${url}/api/v1/catalog/versions`);
  const { versions: applied } = (await versions.json()) as { versions: { version: number; active: boolean }[] };
  expect(applied).toMatchObject([{ version: catalog_version, active: true }]);
  first.kill('SIGTERM');
  expect(await first.ended).toBe(0);
});

test('PGOPTIONS and PGSSLMODE of the shell do not disturb the embedded server', async () => {
  const env = {
    PGOPTIONS: '-c default_transaction_read_only=on -c search_path=nowhere',
    PGSSLMODE: 'require',
    PGPORT: '1',
    PORT: '0',
    TIDINGS_DATA_DIR: join(folder, 'options'),
  };
  const program = start(env);
  await program.ready();
  program.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});

test('a start that fails after its embedded server has started stops it again', async () => {
  const dataDir = join(folder, 'left-behind');
  const invalid = join(folder, 'invalid');
  cpSync(FINTECH, invalid, { recursive: true });
  writeFileSync(join(invalid, 'rules.yaml'), 'rules: [');
  const program = start({ PORT: '0', TIDINGS_CATALOG: invalid, TIDINGS_DATA_DIR: dataDir });
  expect(await program.ended).toBe(1);
  const pid = () => readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
  expect(pid).toThrow('ENOENT');
});

test('a start whose marketing emails would have no link to unsubscribe says what to set, and applies nothing', async () => {
  const env = {
    ...{
      DATABASE_URL: database.url,
      TIDINGS_DATA_DIR: join(folder, 'data'),
      PORT: '0',
      TIDINGS_CATALOG: FINTECH,
      TIDINGS_API_KEYS: 'a-key-of-sixteen-characters',
    },
    ...{ SMTP_URL: 'smtp://127.0.0.1:9', TIDINGS_MAIL_FROM: 'tidings@example.org' },
  };
  const rejected = start(env);
  expect(await rejected.ended).toBe(1);
  expect(rejected.stderr).toContain('has no URL for its link to unsubscribe');
  expect(rejected.stderr).toContain('set TIDINGS_PUBLIC_URL');
  // On one's own machine its own URL will do, and so does a public one.
  for (const own of [
    { ...env, TIDINGS_API_KEYS: '' },
    { ...env, TIDINGS_PUBLIC_URL: 'https://tidings.example.com' },
  ]) {
    const program = start(own);
    await program.ready();
    program.kill('SIGTERM');
    expect(await program.ended).toBe(0);
  }
});
