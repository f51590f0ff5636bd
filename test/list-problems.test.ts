import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/* Messages about lists, and about the field that selects what the others are. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const detailOf = async (path: string, body: object) => (await api.server.post(path, body)).body.detail;

test('an empty list is reported as one', async () => {
  expect(await detailOf('/api/v1/keys', { name: 'shop', scopes: [] })).toBe(
    'scopes has too few items; write at least 1.',
  );
});

test('so is one that is too long', async () => {
  const scopes = Array.from({ length: 100 }, () => 'events:write');
  expect(await detailOf('/api/v1/keys', { name: 'shop', scopes })).toMatch(
    /^scopes has too many items; write at most \d+\.$/,
  );
});

test('an unknown action of a job is answered with the nearest', async () => {
  const detail = await detailOf('/api/v1/jobs', { action: 'deliveries.rety', filter: {} });
  expect(detail).toContain('action is "deliveries.rety"; did you mean deliveries.retry? Allowed: deliveries.retry, ');
});

test('a missing action is answered with those that exist', async () => {
  expect(await detailOf('/api/v1/jobs/preview', { filter: {} })).toMatch(/^action is missing; write one of deliveries/);
});
