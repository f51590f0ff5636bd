import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { type TestServer, testServer } from './support/http.ts';
import { FINTECH, type TestTidings, testTidings } from './support/tidings.ts';

/** Catalogs over the API: check, compare, apply, roll back. */

let tidings: TestTidings;
let server: TestServer;
let files: { [path: string]: string };

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
  files = Object.fromEntries(await loadCatalogFiles(FINTECH));
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

/** The files of the example with another limit for BANK_LINK_NUDGE_SMS. */
function changed(limit: string): { [path: string]: string } {
  const rules = files['rules.yaml'] as string;
  return {
    ...files,
    'rules.yaml': rules.replace('within: 24h }\n    limit: once', `within: 24h }\n    limit: ${limit}`),
  };
}

async function active(): Promise<number> {
  return (await server.get('/api/v1/catalog')).body.version;
}

describe('POST /api/v1/catalog', () => {
  test('checks and compares in a dry run, and changes nothing', async () => {
    const before = await active();
    const { status, body } = await server.post('/api/v1/catalog', { files: changed('2 ever'), dry_run: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: before, changed: false, waiting: [] });
    expect(body.differences).toEqual([
      {
        part: 'rule',
        name: 'BANK_LINK_NUDGE_SMS',
        change: 'changed',
        fields: [{ field: 'limits', from: [expect.anything()], to: [expect.objectContaining({ text: '2 ever' })] }],
      },
    ]);
    expect(await active()).toBe(before);
  });

  test('applies a new version, and none for the same files', async () => {
    const before = await active();
    const first = await server.post('/api/v1/catalog', { files: changed('3 ever') });
    expect(first.body).toMatchObject({ version: before + 1, changed: true });
    const again = await server.post('/api/v1/catalog', { files: changed('3 ever') });
    expect(again.body).toMatchObject({ version: before + 1, changed: false, differences: [] });
    const { body } = await server.get('/api/v1/catalog/diff?from=1');
    expect(body).toMatchObject({ from: 1, to: before + 1 });
    expect(body.differences.map((one: { name: string }) => one.name)).toEqual(['BANK_LINK_NUDGE_SMS']);
  });

  test('reports mistakes with their places and applies nothing', async () => {
    const before = await active();
    const rules = (files['rules.yaml'] as string).replace('limit: 1 per day', 'limit: 1 per dya');
    const { status, body } = await server.post('/api/v1/catalog', { files: { ...files, 'rules.yaml': rules } });
    expect(status).toBe(422);
    expect(body.code).toBe('invalid_catalog');
    expect(body.errors).toEqual([
      expect.objectContaining({
        pointer: '/files/rules.yaml',
        file: 'rules.yaml',
        line: expect.any(Number),
        column: expect.any(Number),
        severity: 'error',
      }),
    ]);
    expect(await active()).toBe(before);
  });

  test.each([
    ['no files', {}],
    ['files that are not text', { files: { 'rules.yaml': 3 } }],
    ['a list', []],
  ])('answers with a problem document to %s', async (_what, body) => {
    const answer = await server.post('/api/v1/catalog', body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('invalid_request');
  });

  test('reports the missing parts of a catalog without files', async () => {
    const { status, body } = await server.post('/api/v1/catalog', { files: {} });
    expect(status).toBe(422);
    expect(body.errors.map((one: { file: string }) => one.file)).toEqual(
      expect.arrayContaining(['events.yaml', 'notifications.yaml', 'rules.yaml']),
    );
  });
});

describe('versions', () => {
  test('are listed, newest first, with the active one marked', async () => {
    const version = await active();
    const { body } = await server.get('/api/v1/catalog/versions');
    expect(body.versions[0]).toMatchObject({ version, active: true, rules: 4, notifications: 4 });
    expect(body.versions.at(-1)).toMatchObject({ version: 1, active: false });
  });

  test('become active again under their own number', async () => {
    const version = await active();
    const { body } = await server.post('/api/v1/catalog/rollback', { version: 1 });
    expect(body).toEqual({ version: 1, from: version, changed: true });
    expect(await active()).toBe(1);
    const event = {
      user_id: 'after rollback',
      event_type: 'link_bank_success',
      event_timestamp: '2025-10-31T10:00:00Z',
    };
    await server.post('/api/v1/events', event);
    const audit = await server.get('/api/v1/audit/after%20rollback');
    expect(audit.body.decisions[0].catalog_version).toBe(1);
    expect((await server.post('/api/v1/catalog/rollback', { version: 1 })).body).toMatchObject({ changed: false });
  });

  test.each([
    ['GET', '/api/v1/catalog?version=99'],
    ['GET', '/api/v1/catalog/diff?from=99'],
    ['POST', '/api/v1/catalog/rollback'],
  ])('%s %s answers 404 for a version that was never applied', async (method, path) => {
    const answer = method === 'GET' ? await server.get(path) : await server.post(path, { version: 99 });
    expect(answer.status).toBe(404);
    expect(answer.body.code).toBe('not_found');
  });

  test('are shown as they were applied', async () => {
    const { body } = await server.get('/api/v1/catalog?version=2');
    expect(body).toMatchObject({ version: 2, active: false });
    expect(body.rules.find((one: { name: string }) => one.name === 'BANK_LINK_NUDGE_SMS').limits).toEqual(['3 ever']);
  });
});
