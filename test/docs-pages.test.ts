import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** An installation serves its own documentation. */

let api: TestApi;
const NAMES = readdirSync(join(import.meta.dirname, '..', 'docs')).flatMap(
  (file) => /^(.+)\.md$/.exec(file)?.[1] ?? [],
);

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

test('every page of docs/ is served, and its links lead to a page and a heading that are there', async () => {
  expect(NAMES.length).toBeGreaterThan(9);
  const pages = new Map<string, string>();
  for (const name of NAMES) {
    const page = await api.server.get(`/api/docs/${name}`);
    expect([name, page.status, page.headers.get('content-type')]).toEqual([name, 200, 'text/html; charset=utf-8']);
    expect(page.body).not.toMatch(/<script|src="http|<link/);
    pages.set(`/api/docs/${name}`, page.body);
  }
  const broken: string[] = [];
  for (const [from, page] of pages) {
    for (const [, path = '', anchor] of page.matchAll(/href="((?!https:)[^"#]*)(?:#([^"]*))?"/g)) {
      const target = pages.get(path === '' ? from : path);
      const isThere = target === undefined ? (await api.server.get(path)).status < 400 : true;
      const hasAnchor = anchor === undefined || target?.includes(`id="${anchor}"`);
      if (!isThere || !hasAnchor) broken.push(`${from} → ${path}#${anchor ?? ''}`);
    }
  }
  expect(broken).toEqual([]);
});

test('an unknown page is not found', async () => {
  expect((await api.server.get('/api/docs/nothing')).body).toMatchObject({ status: 404, code: 'not_found' });
  expect((await api.server.get('/api/docs/..%2fREADME')).status).toBe(404);
});
