import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { findChromium, launchBrowser, openVisit } from './support/browser.ts';
import type { TestServer } from './support/http.ts';

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
    document = (await server.get('/api/openapi.json')).body;
  });

  test('is OpenAPI 3.1 and names every route', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const routes = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'DELETE /api/v1/issuers/{issuer}',
      'DELETE /api/v1/keys/{id}',
      'DELETE /api/v1/lists/{id}',
      'DELETE /api/v1/me/devices/{device_id}',
      'DELETE /api/v1/members/{member_id}',
      'DELETE /api/v1/provider-accounts/{account}',
      'DELETE /api/v1/session',
      'DELETE /api/v1/templates/{id}',
      'DELETE /api/v1/templates/{id}/variants',
      'DELETE /api/v1/tenants/{tenant_id}',
      'DELETE /api/v1/users/{user_id}/addresses/{address_id}',
      'DELETE /api/v1/users/{user_id}/devices/{device_id}',
      'DELETE /api/v1/users/{user_id}/pause',
      'DELETE /api/v1/webhooks/{endpoint_id}',
      'GET /api/v1/activity',
      'GET /api/v1/audit',
      'GET /api/v1/audit-log',
      'GET /api/v1/audit-log/export',
      'GET /api/v1/audit/{user_id}',
      'GET /api/v1/batches',
      'GET /api/v1/batches/{id}',
      'GET /api/v1/batches/{id}/estimate',
      'GET /api/v1/batches/{id}/results',
      'GET /api/v1/batches/{id}/results/export',
      'GET /api/v1/catalog',
      'GET /api/v1/catalog/diff',
      'GET /api/v1/catalog/files',
      'GET /api/v1/catalog/versions',
      'GET /api/v1/connector-tasks',
      'GET /api/v1/connectors',
      'GET /api/v1/consents',
      'GET /api/v1/costs',
      'GET /api/v1/customer-notifications/{id}',
      'GET /api/v1/dead-letters',
      'GET /api/v1/dead-letters/{group}',
      'GET /api/v1/decisions',
      'GET /api/v1/deliveries',
      'GET /api/v1/deliveries/counts',
      'GET /api/v1/deliveries/{id}/message',
      'GET /api/v1/erasures/{id}',
      'GET /api/v1/events/rejected',
      'GET /api/v1/events/rejected/groups',
      'GET /api/v1/explain/{user_id}/{notification_type}',
      'GET /api/v1/issuers',
      'GET /api/v1/issuers/{issuer}',
      'GET /api/v1/jobs',
      'GET /api/v1/jobs/{id}',
      'GET /api/v1/jobs/{id}/failures',
      'GET /api/v1/keys',
      'GET /api/v1/keys/{id}',
      'GET /api/v1/lists',
      'GET /api/v1/lists/{id}',
      'GET /api/v1/lists/{id}/members',
      'GET /api/v1/me',
      'GET /api/v1/me/consents',
      'GET /api/v1/me/devices',
      'GET /api/v1/me/inbox',
      'GET /api/v1/me/inbox/stream',
      'GET /api/v1/me/notifications',
      'GET /api/v1/me/preferences',
      'GET /api/v1/members',
      'GET /api/v1/metrics/anomalies',
      'GET /api/v1/metrics/channels',
      'GET /api/v1/metrics/experiments',
      'GET /api/v1/metrics/export',
      'GET /api/v1/metrics/funnel',
      'GET /api/v1/metrics/groups',
      'GET /api/v1/metrics/reasons',
      'GET /api/v1/metrics/reasons/users',
      'GET /api/v1/metrics/series',
      'GET /api/v1/metrics/summary',
      'GET /api/v1/notifications',
      'GET /api/v1/notifications/{id}',
      'GET /api/v1/preferences',
      'GET /api/v1/problems',
      'GET /api/v1/provider-accounts',
      'GET /api/v1/provider-accounts/{account}',
      'GET /api/v1/providers',
      'GET /api/v1/queue',
      'GET /api/v1/releases',
      'GET /api/v1/releases/{id}',
      'GET /api/v1/routes',
      'GET /api/v1/segments',
      'GET /api/v1/segments/{name}/users',
      'GET /api/v1/sending',
      'GET /api/v1/session',
      'GET /api/v1/signing-keys',
      'GET /api/v1/sinks',
      'GET /api/v1/sinks/{name}/parked',
      'GET /api/v1/sources',
      'GET /api/v1/stream',
      'GET /api/v1/suppressions',
      'GET /api/v1/suppressions/export',
      'GET /api/v1/suppressions/{id}',
      'GET /api/v1/templates',
      'GET /api/v1/templates/export',
      'GET /api/v1/templates/translations',
      'GET /api/v1/templates/{id}',
      'GET /api/v1/templates/{id}/variants/results',
      'GET /api/v1/templates/{id}/versions',
      'GET /api/v1/tenant',
      'GET /api/v1/tenants',
      'GET /api/v1/tenants/{tenant_id}',
      'GET /api/v1/users',
      'GET /api/v1/users/{user_id}',
      'GET /api/v1/users/{user_id}/addresses',
      'GET /api/v1/users/{user_id}/consents',
      'GET /api/v1/users/{user_id}/devices',
      'GET /api/v1/users/{user_id}/forecast',
      'GET /api/v1/users/{user_id}/inbox',
      'GET /api/v1/users/{user_id}/inbox/stream',
      'GET /api/v1/users/{user_id}/preferences',
      'GET /api/v1/users/{user_id}/products',
      'GET /api/v1/waits',
      'GET /api/v1/waits/rules',
      'GET /api/v1/webhooks',
      'GET /api/v1/webhooks/{endpoint_id}',
      'GET /api/v1/webhooks/{endpoint_id}/deliveries',
      'GET /audit/{user_id}',
      'GET /customer-notifications/{id}',
      'GET /healthz/live',
      'GET /healthz/ready',
      'PATCH /api/v1/batches/{id}',
      'PATCH /api/v1/customer-notifications/{id}',
      'PATCH /api/v1/keys/{id}',
      'PATCH /api/v1/lists/{id}',
      'PATCH /api/v1/me/preferences',
      'PATCH /api/v1/members/{member_id}',
      'PATCH /api/v1/provider-accounts/{account}',
      'PATCH /api/v1/templates/{id}',
      'PATCH /api/v1/tenant',
      'PATCH /api/v1/tenants/{tenant_id}',
      'PATCH /api/v1/users/{user_id}',
      'PATCH /api/v1/users/{user_id}/preferences',
      'PATCH /api/v1/webhooks/{endpoint_id}',
      'PATCH /customer-notifications/{id}',
      'POST /api/v1/batches',
      'POST /api/v1/batches/{id}/cancel',
      'POST /api/v1/batches/{id}/pause',
      'POST /api/v1/batches/{id}/resume',
      'POST /api/v1/batches/{id}/start',
      'POST /api/v1/catalog',
      'POST /api/v1/catalog/backtest',
      'POST /api/v1/catalog/cases',
      'POST /api/v1/catalog/cases/from-event',
      'POST /api/v1/catalog/check',
      'POST /api/v1/catalog/render',
      'POST /api/v1/catalog/rollback',
      'POST /api/v1/catalog/try',
      'POST /api/v1/connector-tasks/retry',
      'POST /api/v1/connector-tasks/{task_id}/retry',
      'POST /api/v1/consents/import',
      'POST /api/v1/deliveries/{id}/cancel',
      'POST /api/v1/deliveries/{id}/retry',
      'POST /api/v1/deliveries/{id}/reveal',
      'POST /api/v1/events',
      'POST /api/v1/events/rejected/{id}/correct',
      'POST /api/v1/events/rejected/{id}/dismiss',
      'POST /api/v1/events/rejected/{id}/retry',
      'POST /api/v1/jobs',
      'POST /api/v1/jobs/preview',
      'POST /api/v1/jobs/{id}/stop',
      'POST /api/v1/keys',
      'POST /api/v1/keys/{id}/rotate',
      'POST /api/v1/lists',
      'POST /api/v1/lists/{id}/members',
      'POST /api/v1/lists/{id}/members/import',
      'POST /api/v1/lists/{id}/members/remove',
      'POST /api/v1/me/consents',
      'POST /api/v1/me/devices',
      'POST /api/v1/me/devices/apns',
      'POST /api/v1/me/devices/fcm',
      'POST /api/v1/me/inbox/{mark}',
      'POST /api/v1/me/inbox/{notification_id}/{action}',
      'POST /api/v1/members',
      'POST /api/v1/notifications',
      'POST /api/v1/notifications/{id}/cancel',
      'POST /api/v1/notifications/{id}/reschedule',
      'POST /api/v1/provider-accounts',
      'POST /api/v1/provider-accounts/{account}/check',
      'POST /api/v1/provider-accounts/{account}/test-send',
      'POST /api/v1/releases',
      'POST /api/v1/releases/{id}/finish',
      'POST /api/v1/releases/{id}/rollback',
      'POST /api/v1/releases/{id}/share',
      'POST /api/v1/search',
      'POST /api/v1/segments/preview',
      'POST /api/v1/sending/resume',
      'POST /api/v1/session',
      'POST /api/v1/signing-keys/rotate',
      'POST /api/v1/sinks/{name}/parked/discard',
      'POST /api/v1/sinks/{name}/parked/retry',
      'POST /api/v1/sinks/{name}/pause',
      'POST /api/v1/sinks/{name}/resume',
      'POST /api/v1/sources/{name}/pause',
      'POST /api/v1/sources/{name}/resume',
      'POST /api/v1/suppressions',
      'POST /api/v1/suppressions/import',
      'POST /api/v1/suppressions/search',
      'POST /api/v1/suppressions/{id}/lift',
      'POST /api/v1/templates',
      'POST /api/v1/templates/preview',
      'POST /api/v1/templates/seed',
      'POST /api/v1/templates/test',
      'POST /api/v1/templates/translations',
      'POST /api/v1/templates/{id}/activate',
      'POST /api/v1/templates/{id}/archive',
      'POST /api/v1/templates/{id}/localizations',
      'POST /api/v1/templates/{id}/rollback',
      'POST /api/v1/tenants',
      'POST /api/v1/tenants/{tenant_id}/move',
      'POST /api/v1/tenants/{tenant_id}/resume',
      'POST /api/v1/tenants/{tenant_id}/suspend',
      'POST /api/v1/users/bulk',
      'POST /api/v1/users/search',
      'POST /api/v1/users/{user_id}/addresses',
      'POST /api/v1/users/{user_id}/addresses/{address_id}/primary',
      'POST /api/v1/users/{user_id}/addresses/{address_id}/verify',
      'POST /api/v1/users/{user_id}/addresses/{address_id}/verify/confirm',
      'POST /api/v1/users/{user_id}/consents',
      'POST /api/v1/users/{user_id}/devices',
      'POST /api/v1/users/{user_id}/devices/apns',
      'POST /api/v1/users/{user_id}/devices/fcm',
      'POST /api/v1/users/{user_id}/erase',
      'POST /api/v1/users/{user_id}/export',
      'POST /api/v1/users/{user_id}/inbox/{mark}',
      'POST /api/v1/users/{user_id}/inbox/{notification_id}/{action}',
      'POST /api/v1/users/{user_id}/merge',
      'POST /api/v1/users/{user_id}/products/register',
      'POST /api/v1/users/{user_id}/products/{product_id}/calls/{call}',
      'POST /api/v1/users/{user_id}/reveal',
      'POST /api/v1/users/{user_id}/tokens',
      'POST /api/v1/waits/{id}/cancel',
      'POST /api/v1/waits/{id}/retry',
      'POST /api/v1/webhooks',
      'POST /api/v1/webhooks/portal-links',
      'POST /api/v1/webhooks/portal-sessions',
      'POST /api/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay',
      'POST /api/v1/webhooks/{endpoint_id}/replay',
      'POST /api/v1/webhooks/{endpoint_id}/rotate-secret',
      'POST /api/v1/webhooks/{endpoint_id}/test',
      'POST /events',
      'PUT /api/v1/batches/{id}/recipients',
      'PUT /api/v1/catalog/follow',
      'PUT /api/v1/connectors/{connector}/secrets',
      'PUT /api/v1/issuers/{issuer}',
      'PUT /api/v1/me/preferences',
      'PUT /api/v1/templates/{id}/variants',
      'PUT /api/v1/users/{user_id}',
      'PUT /api/v1/users/{user_id}/pause',
      'PUT /api/v1/users/{user_id}/preferences',
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
        for (const answer of Object.values<object>(operation.responses)) {
          expect(resolve(answer).description, path).toEqual(expect.any(String));
        }
      }
    }
  });

  test('has an id, a tag, its errors and an example of each operation', () => {
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries<object>(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = `${method} ${path}`;
        expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z]+$/);
        expect(ids.has(operation.operationId), operation.operationId).toBe(false);
        ids.add(operation.operationId);
        expect(
          document.tags.map((tag: { name: string }) => tag.name),
          name,
        ).toContain(operation.tags?.[0]);
        expect(operation.security, name).toEqual(expect.any(Array));
        for (const status of ['400', '500', '503']) expect(operation.responses, name).toHaveProperty(status);
        const success = Object.keys(operation.responses).find((status) => status.startsWith('2')) ?? '';
        const [content] = Object.values<{ example: unknown }>(operation.responses[success].content);
        expect(content?.example, name).toBeDefined();
      }
    }
  });

  test('names the scope of each operation and the ways to authenticate', () => {
    expect(Object.keys(document.components.securitySchemes)).toEqual(['api_key', 'bearer', 'session']);
    const { get, post } = document.paths['/api/v1/catalog'];
    expect(get.security).toContainEqual({ bearer: ['catalog:read'] });
    expect(post.security).toContainEqual({ api_key: ['catalog:write'] });
    expect(document.paths['/healthz/live'].get.security).toEqual([]);
  });

  test('lists the codes that an operation may answer', () => {
    const { responses } = document.paths['/api/v1/deliveries/{id}/retry'].post;
    const codes = (status: number) =>
      resolve(responses[status]).content['application/problem+json'].schema.properties.code.enum;
    expect(codes(409).sort()).toEqual(['idempotency_in_progress', 'not_readable', 'not_retryable']);
    expect(codes(404)).toEqual(['not_found']);
    expect(codes(403).sort()).toEqual(['forbidden', 'foreign_origin', 'not_a_member', 'tenant_suspended']);
  });

  test('has schemas that compile, and examples that match them', () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema(document, 'openapi');
    // The problems of most operations are alike.
    const compiled = new Map<string, ReturnType<typeof ajv.compile>>();
    const compile = (schema: object) => {
      const text = JSON.stringify(absolute(schema));
      const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text));
      compiled.set(text, validate);
      return validate;
    };
    const check = (schema: object, value: unknown, name: string) => {
      const validate = compile(schema);
      expect(validate(value), `${name} ${JSON.stringify(value)} ${JSON.stringify(validate.errors)}`).toBe(true);
    };
    for (const [path, operations] of Object.entries<object>(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = `${method} ${path}`;
        for (const response of Object.values<object>(operation.responses)) {
          const { content } = resolve(response);
          for (const { schema, example } of Object.values<{ schema: object; example?: unknown }>(content ?? {})) {
            if (example === undefined) compile(schema);
            else check(schema, example, name);
          }
        }
        for (const { schema, example } of operation.parameters ?? []) {
          if (example !== undefined) check(schema, example, name);
        }
        for (const { schema, examples } of Object.values<{ schema: object; examples: object }>(
          operation.requestBody?.content ?? {},
        )) {
          for (const { value } of Object.values(examples)) check(schema, value, name);
        }
      }
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
      // Its script is the largest of all pages.
      page.setDefaultTimeout(60_000);
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

  // biome-ignore lint/suspicious/noExplicitAny: a response of the document
  function resolve(response: any): any {
    const name = response.$ref?.slice('#/components/responses/'.length);
    return name === undefined ? response : document.components.responses[name];
  }

  /** Returns a schema whose references lead into the document, from wherever it is compiled. */
  function absolute(schema: object): object {
    return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
  }
});
