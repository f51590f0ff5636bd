import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

const log: string[] = [];
const answers: string[] = [];
let tidings: TestTidings;
let api: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) });
  api = await testServer(tidings, { apiKeys: [ROOT_KEY], log: logger });
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

test('the text of a key is in no log, error, list, audit entry or row of the database', async () => {
  const made = await createKey(api, { scopes: ['keys:read', 'audit_log:read', 'users:read'] });
  const rotated = await api.post(`/api/v1/keys/${made.key_id}/rotate`, {}, bearer(ROOT_KEY));
  const keys = [made.key, rotated.body.key as string];
  for (const key of keys) {
    for (const path of [
      '/api/v1/users',
      '/api/v1/keys?limit=200',
      '/api/v1/audit-log?limit=200',
      '/api/v1/audit-log/export',
      '/api/v1/deliveries',
      '/api/v1/nothing',
      `/api/v1/keys/${key}`,
      '/api/v1/users?limit=x',
    ]) {
      for (const credential of [key, `${key}x`, `${key.slice(0, -1)}_`]) {
        const { body, headers } = await api.get(path, bearer(credential));
        answers.push(JSON.stringify(body) + JSON.stringify([...headers]));
      }
    }
  }
  const { rows: tables } = await tidings.database.pool.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
  );
  const stored: string[] = [];
  for (const { name } of tables) {
    const { rows } = await tidings.database.pool.query<{ row: string }>(`select t::text as row from ${name} as t`);
    stored.push(...rows.map(({ row }) => row));
  }
  expect(stored.length).toBeGreaterThan(5);
  for (const key of keys) {
    const secret = key.slice(16, 46);
    for (const text of [...log, ...answers, ...stored]) expect(text).not.toContain(secret);
  }
});
