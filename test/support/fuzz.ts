import { afterAll, beforeAll, expect } from 'vitest';
import { ERROR_CODES, REJECTION_CODES } from '../../src/errors.ts';
import { type TestServer, testServer } from './http.ts';
import type { RawAnswer } from './raw.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** A server for hostile input, and what every answer to it must look like. */

export interface FuzzedServer {
  tidings: TestTidings;
  server: TestServer;
}

/** Prepares the tests of a file: call it once, at its top. The server must be ready when all of them have run. */
export function useFuzzedServer(): FuzzedServer {
  const app = {} as FuzzedServer;
  beforeAll(async () => {
    app.tidings = await testTidings();
    app.server = await testServer(app.tidings);
  });
  afterAll(async () => {
    const { status } = await app.server.get('/healthz/ready');
    expect(status).toBe(200);
    await app.server.close();
    await app.tidings.close();
  });
  return app;
}

/** User IDs that look like paths, syntax, names of objects, or markup, and the longest ones. */
export const ODD_IDS = [
  'a/b',
  '/',
  '//',
  'a?b=c',
  '#',
  '%',
  '%2F',
  '%00',
  '%zz',
  'a b',
  ' ',
  '+',
  '&',
  '=',
  ';',
  ',',
  '\\',
  '"',
  "'",
  '`',
  '<b>',
  '{}',
  '[]',
  '.',
  '..',
  '...',
  './x',
  '../x',
  '*',
  ':user_id',
  'constructor',
  '__proto__',
  'null',
  'undefined',
  '0',
  'rejected',
  'שלום',
  'مرحبا',
  '\u202egnp.exe',
  '👩‍👩‍👧‍👦',
  '🏳️‍🌈',
  'é',
  'e\u0301',
  '漢字',
  '\uffff',
  '\u{10ffff}',
  "'; drop table events; --",
  '$1',
  '\\x00',
  'x'.repeat(256),
  '🦊'.repeat(256),
  'é'.repeat(256),
];

/** Expects a problem document of a documented code. @param about named when it is not */
export function expectProblem({ status, type, body }: RawAnswer, about = ''): void {
  expect(status, about).toBeGreaterThanOrEqual(400);
  expect(status, about).toBeLessThan(500);
  expect(type, about).toMatch(/^application\/problem\+json/);
  const known = (ERROR_CODES as Record<string, { status: number; title: string }>)[body.code];
  expect(body, about).toMatchObject({ status, title: known?.title });
  expect(known?.status, about).toBe(status);
  expect(body.type, about).toMatch(new RegExp(`^/api/docs/errors#${body.code}$`));
  expect(body.detail.length, about).toBeGreaterThan(10);
}

/** The answer to `count` items: one result each, in order, and every item in exactly one of the three numbers. */
export function expectAnswer({ status, type, body }: RawAnswer, count: number): void {
  expect([202, 422]).toContain(status);
  expect(type).toMatch(/^application\/json/);
  const { accepted, duplicates, rejected, results } = body;
  expect(results).toHaveLength(count);
  expect(accepted + duplicates + rejected.length).toBe(count);
  expect(status).toBe(accepted === 0 && rejected.length > 0 ? 422 : 202);
  const wrong = results.flatMap(({ status }: { status: string }, index: number) =>
    status === 'rejected' || status === 'conflict' ? [index] : [],
  );
  expect(rejected.map(({ index }: { index: number }) => index)).toEqual(wrong);
  for (const { code, path, message } of rejected) {
    expect(Object.keys(REJECTION_CODES)).toContain(code);
    expect(typeof path).toBe('string');
    expect(message.length).toBeGreaterThan(10);
    expect(message.length).toBeLessThan(2000);
  }
}
