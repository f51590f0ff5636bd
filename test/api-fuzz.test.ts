import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApiDocument } from '../src/http/openapi/build-document.ts';
import { type TestApi, testApi } from './support/api.ts';
import { type ApiOperation, arbitraryRequest, listOperations } from './support/api-requests.ts';

/** Requests made from the OpenAPI document, valid and not: none answers 5xx, and each response is as the document says. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

const operations = listOperations(await buildApiDocument());

/** Requests of each operation; with FUZZ_RUNS, as many as it says. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 40);

test.each(operations.map((one): [string, ApiOperation] => [one.name, one]))('%s', async (_name, operation) => {
  await fc.assert(
    fc.asyncProperty(arbitraryRequest(operation), async ({ url, body, headers }) => {
      // The helper throws if the response is not one of the document.
      const answer = await api.server.send(
        operation.method,
        url,
        operation.method === 'GET' ? undefined : body,
        headers,
      );
      const isProbe = url.startsWith('/healthz/');
      if (!isProbe) expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
    }),
    { numRuns: RUNS },
  );
});
