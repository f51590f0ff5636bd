import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TestDatabase } from './support/database.ts';
import { emptyDatabase, runTidings, temporaryFolder } from './support/dumps.ts';
import { tidingsDirectly } from './support/program.ts';

/** `tidings migrate`, and what a process makes of a schema that is not its own. */

let database: TestDatabase;
let folder: { path: string; remove: () => Promise<void> };
beforeEach(async () => {
  database = await emptyDatabase();
  folder = await temporaryFolder();
});
afterEach(async () => {
  await database.drop();
  await folder.remove();
});

const env = () => ({ DATABASE_URL: database.url, TIDINGS_DATA_DIR: folder.path });
const migrate = (...args: string[]) => runTidings(['migrate', ...args], env());

async function countTables(): Promise<number> {
  const { rows } = await database.pool.query(
    `select count(*)::int as count from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`,
  );
  return rows[0].count;
}

test('a dry run lists what would run, and changes nothing', async () => {
  expect((await migrate('--dry-run')).stdout.toString()).toBe('Would run 000001.sql.\n');
  const { stdout } = await migrate('--dry-run', '--json');
  expect(JSON.parse(stdout.toString())).toEqual({ dry_run: true, applied: [], pending: ['000001.sql'], newer: [] });
  expect(await countTables()).toBe(0);
});

test('several runs at once, and one more, make the schema once', async () => {
  const all = await Promise.all([migrate('--json'), migrate('--json'), migrate('--json')]);
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
  const ran = all.flatMap(({ stdout }) => JSON.parse(stdout.toString()).ran);
  expect(ran).toEqual(['000001.sql']);
  expect((await migrate()).stdout.toString()).toBe('The schema is up to date.\n');
});

test('a table that stays locked ends it in one sentence, with nothing changed', async () => {
  const other = await database.pool.connect();
  await other.query('begin; create table catalogs ()');
  const { code, stderr } = await migrate('--lock-timeout', '1s', '--wait', '2s');
  expect(code).toBe(1);
  expect(stderr).toBe(
    'running 000001.sql\ntidings: migration 000001.sql changed nothing, because other sessions kept its tables locked; ' +
      'run it again at a quieter time: tidings migrate --lock-timeout 10s --wait 10m\n',
  );
  await other.query('rollback');
  other.release();
  expect(await countTables()).toBe(1);
  expect((await migrate()).code).toBe(0);
});

test('a wrong duration is rejected', async () => {
  const { code, stderr } = await migrate('--lock-timeout', 'soon');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^tidings: --lock-timeout: .*\n$/);
});

describe('a process', () => {
  const start = (more: { [name: string]: string } = {}) =>
    tidingsDirectly(['start', '--json'], { env: { ...env(), PORT: '0', ...more } });

  test('keeps running with a newer schema of the same major version', async () => {
    await migrate();
    await database.pool.query(`insert into migrations (file, hash) values ('000002.sql', 'x')`);
    const program = start();
    const { url } = await program.ready();
    expect((await fetch(`${url}/healthz/ready`)).status).toBe(200);
    program.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    expect((await migrate()).stdout.toString()).toContain('newer than this program (000002.sql)');
  });

  test('does not start with a schema of another major version', async () => {
    await migrate();
    await database.pool.query(`insert into migrations (file, hash) values ('001000.sql', 'x')`);
    const program = start();
    expect(await program.ended).toBe(1);
    expect(program.stderr).toContain(
      'tidings: the database is newer than this program: it has 001000.sql, of another major version; run a newer Tidings\n',
    );
  });

  test('leaves the schema to the command with TIDINGS_MIGRATE=false', async () => {
    const program = start({ TIDINGS_MIGRATE: 'false' });
    expect(await program.ended).toBe(1);
    expect(program.stderr).toContain('the database lacks 000001.sql; run tidings migrate first');
    expect(await countTables()).toBe(0);
    await migrate();
    const next = start({ TIDINGS_MIGRATE: 'false' });
    await next.ready();
    next.kill('SIGTERM');
    expect(await next.ended).toBe(0);
  });
});
