import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let api: TestServer;

interface Entry {
  readonly action: string;
  readonly subject: string;
  readonly [field: string]: unknown;
}

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY] });
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

async function list(query = ''): Promise<Entry[]> {
  const { status, body } = await api.get(`/api/v1/audit-log?limit=200${query}`, bearer(ROOT_KEY));
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body.entries;
}

describe('changes of keys', () => {
  test('are entries with the actor, from where, and the states before and after', async () => {
    const manager = await createKey(api, { name: 'manager', scopes: ['keys:write', 'users:read'] });
    const { key_id } = await createKey(api, { name: 'old name' }, { by: manager.key });
    const by = bearer(manager.key);
    await api.send('PATCH', `/api/v1/keys/${key_id}`, { name: 'new name' }, by);
    const { body: rotated } = await api.post(`/api/v1/keys/${key_id}/rotate`, {}, by);
    await api.send('DELETE', `/api/v1/keys/${key_id}`, undefined, by);
    const entries = await list(`&subject=${key_id}`);
    expect(entries.map(({ action }) => action)).toEqual(['key.revoked', 'key.rotated', 'key.changed', 'key.created']);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        actor_kind: 'key',
        actor_id: manager.key_id,
        actor: 'manager',
        from: '127.0.0.0/24',
      });
    }
    const [revoked, rotation, changed, created] = entries;
    expect(created).toMatchObject({ before: null, after: { name: 'old name', status: 'active' } });
    expect(changed).toMatchObject({ before: { name: 'old name' }, after: { name: 'new name' } });
    expect(rotation).toMatchObject({ detail: { replaced_by: rotated.key_id } });
    expect(revoked).toMatchObject({ after: { status: 'revoked' } });
  });

  test('that fail or change nothing are no entries', async () => {
    const { key_id } = await createKey(api, { name: 'same' });
    const before = (await list()).length;
    await api.send('PATCH', `/api/v1/keys/${key_id}`, { name: 'same' }, bearer(ROOT_KEY));
    await api.send('PATCH', `/api/v1/keys/${key_id}`, { expires_at: '2001-01-01T00:00:00Z' }, bearer(ROOT_KEY));
    await api.post('/api/v1/keys', { name: 'x', scopes: ['none'] }, bearer(ROOT_KEY));
    await api.post('/api/v1/keys/unknown0/rotate', {}, bearer(ROOT_KEY));
    expect((await list()).length).toBe(before);
  });
});

describe('the list', () => {
  test('is filtered by actor, kind, action, subject and time', async () => {
    const { key, key_id } = await createKey(api, { name: 'filterer', scopes: ['keys:write', 'users:read'] });
    tidings.clock.now += 60_000;
    const at = new Date(tidings.clock.now).toISOString();
    const made = await createKey(api, {}, { by: key });
    tidings.clock.now += 60_000;
    const later = new Date(tidings.clock.now).toISOString();
    const subjects = async (query: string) => (await list(query)).map(({ subject }) => subject);
    expect(await subjects(`&actor=${key_id}`)).toEqual([made.key_id]);
    expect(await subjects('&actor=filterer')).toEqual([made.key_id]);
    expect(await subjects(`&since=${at}&until=${later}`)).toEqual([made.key_id]);
    expect(await subjects(`&since=${later}`)).toEqual([]);
    expect(await subjects(`&subject=${made.key_id}&action=key.created&actor_kind=key`)).toEqual([made.key_id]);
    expect(await subjects(`&subject=${made.key_id}&action=key.`)).toEqual([made.key_id]);
    expect(await subjects(`&subject=${made.key_id}&action=key`)).toEqual([made.key_id]);
    expect(await subjects(`&subject=${made.key_id}&action=ke`)).toEqual([]);
    expect(await subjects(`&subject=${made.key_id}&action=.`)).toEqual([]);
    expect(await subjects(`&subject=${made.key_id}&actor_kind=member`)).toEqual([]);
    expect((await api.get('/api/v1/audit-log?since=today', bearer(ROOT_KEY))).status).toBe(400);
  });

  test('has pages, and an export with the same entries, one a line', async () => {
    const all = await list('&action=key.');
    const paged: Entry[] = [];
    for (let next: string | null = null, isOver = false; !isOver; isOver = next === null) {
      const after: string = next === null ? '' : `&after=${next}`;
      const { body } = await api.get(`/api/v1/audit-log?limit=3&action=key.${after}`, bearer(ROOT_KEY));
      paged.push(...body.entries);
      next = body.next;
    }
    expect(paged).toEqual(all);
    const response = await fetch(`${api.url}/api/v1/audit-log/export?action=key.`, { headers: bearer(ROOT_KEY) });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(all);
  });

  test('shows entries of the own tenant only', async () => {
    await tidings.database.pool.query(`insert into tenants (tenant_id, name) values ('other', 'Other')`);
    const { key } = await createKey(api, { scopes: ['audit_log:read'] }, { tenant: 'other' });
    const { body } = await api.get('/api/v1/audit-log?limit=200', bearer(key));
    expect(body.entries).toHaveLength(1);
    const { body: exported } = await api.get('/api/v1/audit-log/export', bearer(key));
    expect(JSON.parse(exported)).toMatchObject({ subject: key.slice(8, 16) });
  });
});
