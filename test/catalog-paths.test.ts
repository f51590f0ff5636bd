import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/* Paths of posted catalog files. A template with a wrong path was ignored, and its message was never sent. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const FILES = {
  'events.yaml': 'events: { came: {} }\n',
  'notifications.yaml': 'notifications: { HELLO: { category: TRANSACTIONAL, channels: [internal] } }\n',
  'rules.yaml': 'rules: { HELLO: { on: came } }\n',
};
const apply = (path: string) =>
  api.server.post('/api/v1/catalog', { files: { ...FILES, [path]: 'Hello' }, dry_run: true });

test.each([
  ['templates\\HELLO\\internal.en.txt', 'write templates/HELLO/internal.en.txt'],
  ['template/HELLO/internal.en.txt', 'did you mean templates/HELLO/internal.en.txt?'],
  ['../templates/HELLO/internal.en.txt', 'write a path inside the folder of the catalog, such as events.yaml'],
  ['/templates/HELLO/internal.en.txt', 'write a path inside the folder of the catalog, such as events.yaml'],
])('%s is an error with what to write', async (path, hint) => {
  const { status, body } = await apply(path);
  expect(status).toBe(422);
  expect(body.errors).toEqual([expect.objectContaining({ file: path, line: 1, hint })]);
});

test.each(['README.md', 'cases.yaml', 'week.jsonl', 'docs/rules.txt'])('%s is of no concern', async (path) => {
  expect((await apply(path)).status).toBe(200);
});
