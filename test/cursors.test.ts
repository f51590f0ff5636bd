import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, payment, type TestApi, testApi } from './support/api.ts';

/** Lists have pages; a cursor holds for its list, its filter and its tenant alone. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  for (const user of ['page-a', 'page-b', 'page-c', 'page-d', 'page-e']) {
    await api.server.post('/api/v1/events', payment({ user_id: user, user_traits: { email: `${user}@example.com` } }));
  }
});

afterAll(() => api.close());

const cursorOf = async (path: string) => (await api.server.get(path)).body.next as string;

const reject = async (path: string) =>
  expectProblem(await api.server.get(path), { status: 400, code: 'invalid_request', pointer: 'after' });

test('the pages of a list have each item once', async () => {
  const found: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await api.server.get(`/api/v1/users?prefix=page-&limit=2${after}`);
    found.push(...body.users.map((user: { user_id: string }) => user.user_id));
    if (body.next === null) break;
    after = `&after=${body.next}`;
  }
  expect(found).toEqual(['page-a', 'page-b', 'page-c', 'page-d', 'page-e']);
});

describe('a cursor is rejected', () => {
  test('with another filter, and none', async () => {
    const cursor = await cursorOf('/api/v1/users?prefix=page-&limit=2');
    await reject(`/api/v1/users?prefix=other&after=${cursor}`);
    await reject(`/api/v1/users?after=${cursor}`);
  });

  test('of another list with the same positions', async () => {
    const cursor = await cursorOf('/api/v1/audit/page-a?limit=1');
    if (cursor !== null) await reject(`/api/v1/audit/page-b?after=${cursor}`);
    await reject(`/api/v1/audit-log?after=${await cursorOf('/api/v1/users?prefix=page-&limit=1')}`);
  });

  test('that was altered, cut or made by hand', async () => {
    const cursor = await cursorOf('/api/v1/users?prefix=page-&limit=2');
    const list = '/api/v1/users?prefix=page-&after=';
    await reject(`${list}${cursor.slice(0, -2)}`);
    await reject(`${list}${cursor[0] === 'A' ? 'B' : 'A'}${cursor.slice(1)}`);
    await reject(`${list}${Buffer.from('["page-b"]').toString('base64url')}`);
    await reject(`${list}${'A'.repeat(20_000)}`.slice(0, 8000));
  });
});

test('a cursor holds for any size of a page', async () => {
  const cursor = await cursorOf('/api/v1/users?prefix=page-&limit=2');
  const { body } = await api.server.get(`/api/v1/users?prefix=page-&limit=1&after=${cursor}`);
  expect(body.users).toEqual([{ user_id: 'page-c' }]);
});
