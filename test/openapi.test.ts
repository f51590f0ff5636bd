import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { payment, type TestApi, testApi } from './support/api.ts';
import { findChromium, launchBrowser, openVisit } from './support/browser.ts';
import type { Answer, TestServer } from './support/http.ts';

const CHROMIUM = findChromium();
let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
  await server.post('/api/v1/events', {
    user_id: 'reader',
    event_type: 'signup_completed',
    event_timestamp: '2025-10-31T19:00:00Z',
    user_traits: { marketing_opt_in: true, email: 'reader@example.com' },
  });
});

afterAll(() => api.close());

describe('the API documentation', () => {
  // biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, whose structure the tests check by hand
  let document: any;

  beforeAll(async () => {
    document = (await server.get('/api/docs/openapi.json')).body;
  });

  test('is OpenAPI 3.1 and names every route', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const routes = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'DELETE /api/v1/keys/{id}',
      'GET /api/v1/activity',
      'GET /api/v1/audit-log',
      'GET /api/v1/audit/{user_id}',
      'GET /api/v1/catalog',
      'GET /api/v1/catalog/diff',
      'GET /api/v1/catalog/versions',
      'GET /api/v1/deliveries',
      'GET /api/v1/deliveries/{id}/message',
      'GET /api/v1/events/rejected',
      'GET /api/v1/events/rejected/groups',
      'GET /api/v1/explain/{user_id}/{notification_type}',
      'GET /api/v1/jobs',
      'GET /api/v1/jobs/{id}',
      'GET /api/v1/jobs/{id}/failures',
      'GET /api/v1/keys',
      'GET /api/v1/keys/{id}',
      'GET /api/v1/queue',
      'GET /api/v1/users',
      'GET /api/v1/waits',
      'GET /api/v1/waits/rules',
      'GET /audit/{user_id}',
      'GET /healthz/live',
      'GET /healthz/ready',
      'PATCH /api/v1/keys/{id}',
      'POST /api/v1/catalog',
      'POST /api/v1/catalog/rollback',
      'POST /api/v1/deliveries/{id}/cancel',
      'POST /api/v1/deliveries/{id}/retry',
      'POST /api/v1/events',
      'POST /api/v1/events/rejected/{id}/correct',
      'POST /api/v1/events/rejected/{id}/dismiss',
      'POST /api/v1/events/rejected/{id}/retry',
      'POST /api/v1/jobs',
      'POST /api/v1/jobs/preview',
      'POST /api/v1/jobs/{id}/stop',
      'POST /api/v1/keys',
      'POST /api/v1/keys/{id}/rotate',
      'POST /api/v1/waits/{id}/cancel',
      'POST /events',
    ]);
  });

  test('has a summary, the path parameters and the responses of each operation', () => {
    for (const [path, operations] of Object.entries<object>(document.paths)) {
      for (const operation of Object.values(operations)) {
        expect(operation.summary, path).toEqual(expect.any(String));
        const declared = (operation.parameters ?? [])
          .filter((one: { in: string }) => one.in === 'path')
          .map((one: { name: string }) => one.name);
        expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
        expect(Object.keys(operation.responses).length, path).toBeGreaterThan(0);
        for (const answer of Object.values<{ description?: string }>(operation.responses)) {
          expect(answer.description, path).toEqual(expect.any(String));
        }
      }
    }
  });

  test('has schemas that compile and match the responses of the API', async () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema({ ...document, $id: 'openapi' });
    const compiled = schemasOf(document).map((schema) => ajv.compile(schema));
    expect(compiled.length).toBeGreaterThan(10);

    const answers: [string, string, string, Answer][] = [
      ['/api/v1/events', 'post', '202', await server.post('/api/v1/events', payment())],
      ['/api/v1/audit/{user_id}', 'get', '200', await server.get('/api/v1/audit/reader')],
      ['/api/v1/deliveries', 'get', '200', await server.get('/api/v1/deliveries')],
      ['/api/v1/queue', 'get', '200', await server.get('/api/v1/queue')],
      ['/api/v1/audit-log', 'get', '200', await server.get('/api/v1/audit-log')],
      ['/healthz/ready', 'get', '200', await server.get('/healthz/ready')],
      ['/healthz/live', 'get', '200', await server.get('/healthz/live')],
      ['/api/v1/deliveries', 'get', '4XX', await server.get('/api/v1/deliveries?limit=x')],
    ];
    for (const [path, method, status, { body }] of answers) {
      const [content] = Object.values<{ schema: object }>(document.paths[path][method].responses[status].content);
      const check = ajv.compile(content?.schema ?? false);
      expect(check(body), `${path} ${JSON.stringify(check.errors)}`).toBe(true);
    }
  });

  test('loads nothing from another origin', async () => {
    const { status, headers, body } = await server.get('/api/docs/');
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(body).not.toMatch(/(src|href)="https?:/);
  });

  test.runIf(CHROMIUM)('sends no other requests from a browser, and shows no features of its vendor', async () => {
    const browser = await launchBrowser(CHROMIUM!);
    try {
      const { page, complaints } = await openVisit(browser, server.url);
      // Browsers request this without being asked to.
      await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
      await page.goto(`${server.url}/api/docs/`);
      await page.getByText('Post events: one').first().waitFor();
      await page.evaluate('document.fonts.ready.then(() => true)');
      const text = await page.locator('body').innerText();
      expect(text).not.toMatch(/Generate SDKs?|Share|Configure|Developer Tools|Open API Client/);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  function schemasOf(value: unknown): object[] {
    if (value === null || typeof value !== 'object') return [];
    return Object.entries(value).flatMap(([key, inner]) =>
      key === 'schema' && inner !== null ? [inner as object] : schemasOf(inner),
    );
  }
});
