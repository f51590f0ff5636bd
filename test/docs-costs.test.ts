import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** Costs of the pages that anyone may ask for, and strange headers sent to them. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

test.each(['json', 'yaml'])('the OpenAPI document as %s is made once, not for each request', async (format) => {
  const get = async () => {
    const response = await fetch(`${api.server.url}/api/docs/openapi.${format}`, {
      headers: { 'accept-encoding': 'identity' },
    });
    return [response.status, response.headers.get('content-type'), await response.text()] as const;
  };
  const [status, type, text] = await get();
  expect([status, type]).toEqual([200, expect.stringContaining(`application/${format}`)]);
  expect(text).toMatch(/^(\{"openapi":"3\.1\.0"|openapi: "?3\.1\.0)/);
  const costs: number[] = [];
  for (let i = 0; i < 10; i++) {
    const start = process.cpuUsage();
    expect((await get())[2]).toBe(text);
    const { user, system } = process.cpuUsage(start);
    costs.push((user + system) / 1000);
  }
  // The cheapest, because the heap of this process may be collected meanwhile. Some 10 ms; made for each request, it took 95 as YAML.
  expect(Math.min(...costs)).toBeLessThan(50);
});

test.each(['a b', '[', 'x^y', '%'])('the host %j at the docs is no internal error', async (host) => {
  const { port } = new URL(api.server.url);
  for (const path of ['/api/docs', '/api/docs/', '/api/docs/openapi.json']) {
    const status = await new Promise((resolve, reject) => {
      request({ port, path, headers: { host } }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect([path, status]).not.toEqual([path, 500]);
  }
});
