import { expect, test } from 'vitest';
import { listBreaks } from './support/api-breaks.ts';

/** The comparison of two OpenAPI documents finds what breaks a caller, and lets everything else pass. */

const document = {
  paths: {
    '/things': {
      get: {
        parameters: [{ in: 'query', name: 'limit', schema: { type: 'integer', maximum: 200 } }],
        responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Page' } } } } },
      },
      post: {
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { name: { type: 'string' }, kind: { enum: ['a', 'b'] } },
                required: ['name'],
              },
            },
          },
        },
        responses: { 202: {} },
      },
    },
  },
  components: {
    schemas: {
      Page: {
        type: 'object',
        properties: { things: { type: 'array', items: { type: 'string' } } },
        required: ['things'],
      },
    },
  },
};

// biome-ignore lint/suspicious/noExplicitAny: a document that a test changes
function changed(change: (copy: any) => void): object {
  const copy = structuredClone(document);
  change(copy);
  return copy;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
const body = (copy: any) => copy.paths['/things'].post.requestBody.content['application/json'].schema;

test.each<[string, Parameters<typeof changed>[0], RegExp]>([
  ['an operation', (copy) => delete copy.paths['/things'].get, /^GET \/things: gone$/],
  ['a parameter', (copy) => copy.paths['/things'].get.parameters.pop(), /parameter limit: gone/],
  ['a status', (copy) => delete copy.paths['/things'].post.responses[202], /response 202: gone/],
  ['a field of a response', (copy) => delete copy.components.schemas.Page.properties.things, /things: gone/],
  ['the promise of a field', (copy) => copy.components.schemas.Page.required.pop(), /things: no longer always present/],
  ['the type of a field', (copy) => (copy.components.schemas.Page.properties.things.items.type = 'integer'), /type/],
  ['a field of a request', (copy) => delete body(copy).properties.kind, /kind: gone/],
  ['an allowed value of a request', (copy) => body(copy).properties.kind.enum.pop(), /kind: no longer allows "b"/],
  ['a field that becomes required', (copy) => body(copy).required.push('kind'), /kind: required now/],
  [
    'a bound that becomes narrower',
    (copy) => (copy.paths['/things'].get.parameters[0].schema.maximum = 100),
    /maximum/,
  ],
  [
    'a parameter that becomes required',
    (copy) => copy.paths['/things'].get.parameters.push({ in: 'query', name: 'x', required: true, schema: {} }),
    /parameter x: required now/,
  ],
])('%s that is gone or narrower is found', (_what, change, message) => {
  const found = listBreaks(document, changed(change));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});

test('what is added or wider breaks nothing', () => {
  const wider = changed((copy) => {
    copy.paths['/more'] = { get: { responses: {} } };
    copy.components.schemas.Page.properties.next = { type: 'string' };
    copy.paths['/things'].get.parameters[0].schema.maximum = 500;
    copy.paths['/things'].get.parameters.push({ in: 'query', name: 'x', schema: {} });
    body(copy).properties.kind.enum.push('c');
    body(copy).properties.more = { type: 'string' };
  });
  expect(listBreaks(document, wider)).toEqual([]);
});
