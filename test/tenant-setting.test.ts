import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/** TIDINGS_TENANT and --tenant, with real processes: for which tenant the catalog directory and a command act. */

const BOOKING = FINTECH.replace(/fintech$/, 'booking');
const folder = mkdtempSync(join(tmpdir(), 'tidings-tenant-setting-'));
const programs: Program[] = [];
let database: TestDatabase;
let env: { readonly [name: string]: string };

beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(
    `insert into tenants (tenant_id, name, follows) values ('acme', 'Acme', 'default'), ('gone', 'Gone', null)`,
  );
  await database.pool.query(`update tenants set status = 'deleting', is_held = false where tenant_id = 'gone'`);
  env = {
    DATABASE_URL: database.url,
    TIDINGS_API_DATABASE_URL: database.apiUrl,
    TIDINGS_DATA_DIR: join(folder, 'data'),
    TIDINGS_WATCH: 'false',
  };
});

afterAll(async () => {
  for (const program of programs) program.killGroup('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

function run(args: readonly string[], more: { readonly [name: string]: string } = {}): Program {
  const program = tidings(args, { env: { ...env, ...more } });
  programs.push(program);
  return program;
}

async function runToEnd(args: readonly string[], more?: { readonly [name: string]: string }) {
  const program = run(args, more);
  const code = await program.ended;
  return { code, text: program.output };
}

test('a start applies the catalog directory to the tenant that it names, and other tenants keep theirs', async () => {
  const first = run(['api', '--json'], { PORT: '0', TIDINGS_CATALOG: FINTECH });
  expect(await first.ready(60_000)).toMatchObject({ tenant: 'default' });
  first.kill('SIGTERM');
  await first.ended;
  const second = run(['api', '--tenant', 'acme'], { PORT: '0', TIDINGS_CATALOG: BOOKING });
  await second.says(/Tenant {4}acme, whose catalog this is/, 60_000);
  const [, url = ''] = /API (http:\S+)\/api\/docs/.exec(second.stdout) ?? [];
  await second.says(/x-tidings-tenant: acme/);
  const count = async (...tenant: string[]) => {
    const { text } = await runToEnd(['catalog', 'versions', '--json', ...tenant], { TIDINGS_URL: url });
    return (JSON.parse(text) as { versions: { applied_by: string; rules: number }[] }).versions;
  };
  const [own] = await count('--tenant', 'acme');
  const [ofDefault] = await count();
  expect([own?.applied_by, ofDefault?.applied_by]).toEqual(['catalog directory', 'catalog directory']);
  expect(own?.rules).not.toBe(ofDefault?.rules);
  const { rows } = await database.pool.query(`select follows from tenants where tenant_id = 'acme'`);
  expect(rows, 'it has a catalog of its own now').toEqual([{ follows: null }]);

  const unknown = await runToEnd(['waits', 'list', '--tenant', 'acne'], { TIDINGS_URL: url });
  expect(unknown).toMatchObject({ code: 1, text: expect.stringMatching(/no tenant acne .* did you mean acme\?/) });
  const far = await runToEnd(['queue'], { TIDINGS_URL: url, TIDINGS_TENANT: 'globex' });
  expect(far.text).toMatch(/no tenant globex .* there are: acme, default/);
  second.kill('SIGTERM');
  await second.ended;
});

test.each([
  ['acne', /no tenant acne .* did you mean acme\?/],
  ['zzzzzz', /no tenant zzzzzz .* there are: acme, default/],
  ['acme.test', /no tenant acme\.test .* the first test key of acme makes it/],
  ['gone', /the tenant gone is being deleted/],
  ['ACME', /TIDINGS_TENANT is "ACME", .* lower-case letters/],
])('a start for a tenant that there is not ends with one sentence: %s', async (tenant, message) => {
  const { code, text } = await runToEnd(['api'], { PORT: '0', TIDINGS_CATALOG: FINTECH, TIDINGS_TENANT: tenant });
  expect(code).toBe(1);
  expect(text).toMatch(message);
  expect(text).not.toMatch(/\n {4}at /);
});

test('commands on the database act for the tenant that they name', async () => {
  const backtest = (...args: string[]) => runToEnd(['backtest', '--live', '--since', '1d', '--json', ...args]);
  expect(await backtest('--tenant', 'acme')).toMatchObject({ code: 0 });
  expect(await backtest('--tenant', 'acne')).toMatchObject({
    code: 1,
    text: expect.stringMatching(/did you mean acme/),
  });
  expect(await backtest('--tenant', 'ACME!')).toMatchObject({ code: 2, text: expect.stringMatching(/No tenant has/) });

  const create = ['keys', 'create', '--database', '--name', 'first', '--scopes', 'users:read', '--json'];
  const { text } = await runToEnd([...create, '--tenant', 'acme']);
  const { key_id } = JSON.parse(text) as { key_id: string };
  const { rows } = await database.pool.query('select tenant_id from api_keys where key_id = $1', [key_id]);
  expect(rows).toEqual([{ tenant_id: 'acme' }]);

  const linked = await runToEnd(['members', 'link', '--tenant', 'acme']);
  expect(linked).toMatchObject({ code: 0, text: expect.stringMatching(/#\/login\//) });
  const { rows: links } = await database.pool.query('select member from login_attempts');
  expect(links).toMatchObject([{ member: { tenantId: 'acme' } }]);
});
