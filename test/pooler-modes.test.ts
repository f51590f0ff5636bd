import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { findPgBouncer, startPgBouncer } from './support/pgbouncer.ts';
import { tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/** A pooler that lends a server connection for less than a session is rejected in a sentence, wherever a URL leads to it. */

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

async function run(args: readonly string[], env: { readonly [name: string]: string }) {
  const program = tidings(args, {
    env: { PORT: '0', TIDINGS_CATALOG: FINTECH, TIDINGS_ENCRYPTION_KEY: btoa('k'.repeat(32)), ...env },
  });
  try {
    return { code: await program.ended, output: program.output };
  } finally {
    program.killGroup('SIGKILL');
  }
}

async function behindPooler(mode: 'transaction' | 'statement', work: (url: string) => Promise<void>) {
  const pooler = await startPgBouncer(database.url, mode);
  try {
    await work(pooler.url);
  } finally {
    pooler.stop();
  }
}

describe.skipIf(!findPgBouncer())('PgBouncer', { timeout: 60_000 }, () => {
  test('in transaction mode is rejected for the login of the API', async () => {
    await behindPooler('transaction', async (url) => {
      const apiUrl = Object.assign(new URL(url), { username: new URL(database.apiUrl).searchParams.get('user') }).href;
      const { code, output } = await run(['start', '--json'], {
        DATABASE_URL: database.url,
        TIDINGS_API_DATABASE_URL: apiUrl,
      });
      expect(code).toBe(1);
      expect(output).toMatch(/tidings: TIDINGS_API_DATABASE_URL leads to a connection pooler in transaction /);
    });
  });

  test('in transaction mode is rejected by commands that open the database', async () => {
    await behindPooler('transaction', async (url) => {
      const { code, output } = await run(['migrate'], { DATABASE_URL: url });
      expect(code).toBe(1);
      expect(output).toMatch(/^tidings: DATABASE_URL leads to a connection pooler in transaction [^\n]*\n$/);
    });
  });

  test('in transaction mode is no way past a pooler', async () => {
    await behindPooler('transaction', async (url) => {
      const { code, output } = await run(['start', '--json'], { DATABASE_URL: url, TIDINGS_DIRECT_DATABASE_URL: url });
      expect(code).toBe(1);
      expect(output).toMatch(/tidings: TIDINGS_DIRECT_DATABASE_URL leads to a connection pooler in transaction mode/);
    });
  });

  test('in statement mode is rejected', async () => {
    await behindPooler('statement', async (url) => {
      const { code, output } = await run(['start', '--json'], { DATABASE_URL: url });
      expect(code).toBe(1);
      expect(output).toMatch(/^tidings: DATABASE_URL leads to a connection pooler in statement mode/);
    });
  });
});
