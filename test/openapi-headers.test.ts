import { expect, test } from 'vitest';
import { buildApiDocument } from '../src/http/openapi/build-document.ts';

/* The headers that a generated client must know of. */

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

const { paths } = (await buildApiDocument()) as { paths: Record<string, Record<string, Operation>> };

function listHeaders(method: string, path: string): string[] {
  const parameters = paths[path]?.[method]?.parameters ?? [];
  return parameters.filter((one) => one.in === 'header').map(({ name }) => name);
}

test('an operation that creates something has the header idempotency-key once', () => {
  for (const path of ['/api/v1/keys', '/api/v1/tenants', '/api/v1/jobs', '/api/v1/members']) {
    expect(listHeaders('post', path), path).toEqual(expect.arrayContaining(['idempotency-key', 'x-tidings-tenant']));
    expect(new Set(listHeaders('post', path)).size).toBe(listHeaders('post', path).length);
    expect(listHeaders('get', path)).toEqual(['x-tidings-tenant']);
  }
});

test('an operation that two may do at once has the header if-match', () => {
  expect(listHeaders('patch', '/api/v1/tenant')).toEqual(['x-tidings-tenant', 'if-match']);
  expect(listHeaders('post', '/api/v1/catalog')).toContain('if-match');
  expect(listHeaders('post', '/api/v1/keys')).not.toContain('if-match');
});

test('an operation without credentials does not have these headers', () => {
  expect(listHeaders('get', '/healthz/ready')).toEqual([]);
  expect(listHeaders('post', '/api/v1/session')).toEqual([]);
});
