import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** The type of a problem leads to its description in this installation. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

test('the type of a problem is the place on the page of errors that describes it', async () => {
  const { body } = await api.server.get('/api/v1/nothing');
  const [path, code] = body.type.split('#');
  const page = await api.server.get(path);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.body).toMatch(new RegExp(`<h3 id="${code}"><?[^>]*>?${code}`));
});

test('the page has rejections and reasons, and works without scripts and other servers', async () => {
  const { body } = await api.server.get('/api/docs/errors');
  for (const id of ['schema_mismatch', 'limit_reached', 'problems', 'rejected-events']) {
    expect(body).toContain(`id="${id}"`);
  }
  expect(body).not.toMatch(/<script|src="http|<link/);
  for (const [, anchor] of body.matchAll(/href="#([^"]+)"/g)) expect(body).toContain(`id="${anchor}"`);
});

test('the API documentation leads to it', async () => {
  expect((await api.server.get('/api/openapi.json')).body.info.description).toContain('/api/docs/errors');
});
