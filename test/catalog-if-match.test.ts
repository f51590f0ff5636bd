import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const toFiles = (name: string) => ({
  'events.yaml': 'events: { came: {} }\n',
  'notifications.yaml': `notifications: { ${name}: { category: TRANSACTIONAL, channels: [internal] } }\n`,
  'rules.yaml': 'rules: {}\n',
});

const apply = (name: string, ifMatch?: string) =>
  server.post('/api/v1/catalog', { files: toFiles(name) }, ifMatch === undefined ? {} : { 'if-match': ifMatch });

test('of two editors of one catalog version, the second learns that the first was quicker', async () => {
  const etag = (await server.get('/api/v1/catalog')).headers.get('etag') as string;
  const first = await apply('ONE', etag);
  expect(first).toMatchObject({ status: 200, body: { changed: true } });
  expect(first.headers.get('etag')).toBe(`"${first.body.version}"`);
  expectProblem(await apply('TWO', etag), { status: 412, code: 'outdated', pointer: 'if-match' });
  expect((await server.get('/api/v1/catalog')).body.notifications).toMatchObject([{ name: 'ONE' }]);
  const before = await server.post('/api/v1/catalog/rollback', { version: 1 }, { 'if-match': etag });
  expectProblem(before, { status: 412, code: 'outdated', pointer: 'if-match' });
});

test('without If-Match, or with *, the catalog is applied whatever is active', async () => {
  expect((await apply('THREE')).status).toBe(200);
  expect((await apply('FOUR', '*')).status).toBe(200);
});

test('an If-Match that is no etag of a version is an error', async () => {
  for (const given of ['7', 'W/"7"', '"x"'])
    expectProblem(await apply('FIVE', given), { status: 400, code: 'invalid_request', pointer: 'if-match' });
});
