import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { startEmbedded } from '../src/embedded/embedded.ts';
import { CopyRows } from '../src/store/pg/copy.ts';

/** The two logins of the embedded PostgreSQL, and what the owner asserts where row-level security does not bind it. */

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function ask(url: string, text: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test.each(['socket', 'tcp'] as const)(
  'a data directory of an earlier version gets the login of the API (%s)',
  async (transport) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'logins-'));
    folders.push(dataDir);
    const options = { dataDir, transport, settings: { fsync: 'off' } };
    const first = await startEmbedded(options);
    await ask(`${first.url}&user=postgres`, 'drop role tidings_api');
    await expect(ask(first.apiUrl, 'select 1')).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    await first.stop();
    const second = await startEmbedded(options);
    try {
      const [role] = await ask(
        second.apiUrl,
        `select session_user::text as name, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as powerful
       from pg_roles where rolname = session_user`,
      );
      expect(role).toEqual({ name: 'tidings_api', powerful: false });
      await expect(ask(second.apiUrl, 'create table t (n int)')).rejects.toMatchObject({ code: '42501' });
    } finally {
      await second.stop();
    }
  },
);

test('rows of two tenants are never copied in one batch', () => {
  const rows = new CopyRows('users', { tenant_id: 'text', user_id: 'text' });
  rows.add(['acme', 'u']);
  rows.add(['acme', 'v']);
  expect(() => rows.add(['beta', 'u'])).toThrow('a row of users is of another tenant than its batch');
});
