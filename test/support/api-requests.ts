import fc from 'fast-check';

/** Requests from an OpenAPI document: near to what it describes, and far from it. */

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, read part by part
type Node = any;

export interface ApiOperation {
  /** `GET /api/v1/waits` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Node;
  readonly document: Node;
}

export interface ApiRequest {
  readonly url: string;
  /** Undefined: none; a string is sent as it is. */
  readonly body: unknown;
  readonly headers: Record<string, string>;
}

export function listOperations(document: object): ApiOperation[] {
  return Object.entries<Node>((document as Node).paths).flatMap(([path, methods]) =>
    Object.entries<Node>(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
      document,
    })),
  );
}

export function arbitraryRequest({ path, operation, document }: ApiOperation): fc.Arbitrary<ApiRequest> {
  const parameters: Node[] = operation.parameters ?? [];
  const inPath = parameters.filter((one) => one.in === 'path');
  const inQuery = parameters.filter((one) => one.in === 'query');
  const schema = operation.requestBody?.content['application/json']?.schema;
  const value = (parameter: Node) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(parameter.example ?? 'x') },
      { weight: 3, arbitrary: near(parameter.schema, document).map(toText) },
      { weight: 1, arbitrary: STRANGE_TEXT },
    );
  return fc
    .record({
      path: fc.tuple(...inPath.map(value)),
      query: fc.tuple(...inQuery.map((one) => fc.option(value(one), { nil: undefined }))),
      extra: fc.option(fc.tuple(STRANGE_TEXT, STRANGE_TEXT), { nil: undefined, freq: 8 }),
      body: schema
        ? fc.oneof(
            { weight: 4, arbitrary: near(schema, document) },
            { weight: 1, arbitrary: fc.jsonValue() },
            { weight: 1, arbitrary: STRANGE_TEXT },
          )
        : fc.option(fc.jsonValue(), { nil: undefined, freq: 4 }),
      requestId: fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 200 }), { nil: undefined }),
    })
    .map(({ path: parts, query, extra, body, requestId }) => {
      const filled = inPath.reduce(
        (url: string, one, index) => url.replace(`{${one.name}}`, encode(String(parts[index])) || '%20'),
        path,
      );
      const pairs = inQuery.flatMap((one, index) =>
        query[index] === undefined ? [] : [`${encode(one.name)}=${encode(String(query[index]))}`],
      );
      if (extra) pairs.push(`${encode(extra[0])}=${encode(extra[1])}`);
      return {
        url: pairs.length > 0 ? `${filled}?${pairs.join('&')}` : filled,
        body,
        headers:
          requestId === undefined || /[^\x21-\x7e]/.test(requestId) || requestId === ''
            ? {}
            : { 'x-request-id': requestId },
      };
    });
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/^\.{1,2}$/, '%2E');
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const STRANGE_TEXT = fc.oneof(
  fc.constantFrom('', ' ', '\0', '..', '%', '{}', '-1', '1e999', 'null', '__proto__', '\u202e', 'a'.repeat(2000)),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.uuid(),
);

const STRANGE = fc.oneof(
  STRANGE_TEXT,
  fc.constantFrom<unknown>(null, true, 0, -1, 1e21, 0.1, [], {}),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Depth below which a value is any JSON: schemas may contain themselves. */
const MAX_DEPTH = 5;

/** Values that fit a schema, with something strange in one place now and then. */
function near(schema: Node, document: Node, depth = 0): fc.Arbitrary<unknown> {
  const inner = depth > MAX_DEPTH ? fc.jsonValue({ maxDepth: 1 }) : fitting(schema, document, depth + 1);
  return fc.oneof({ weight: 12, arbitrary: inner }, { weight: 1, arbitrary: STRANGE });
}

function fitting(schema: Node, document: Node, depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref) return fitting(document.components.schemas[schema.$ref.split('/').at(-1)], document, depth);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (options) return fc.oneof(...options.map((one: Node) => near(one, document, depth)));
  switch (String(schema.type)) {
    case 'object':
      return object(schema, document, depth);
    case 'array':
      return fc.array(near(schema.items ?? {}, document, depth), { maxLength: 3 });
    case 'string':
      return schema.examples ? fc.constantFrom(...schema.examples) : text(schema);
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -5, max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1) });
    case 'boolean':
      return fc.boolean();
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function object(schema: Node, document: Node, depth: number): fc.Arbitrary<unknown> {
  const fields = Object.entries<Node>(schema.properties ?? {});
  const known = fc.record(Object.fromEntries(fields.map(([name, one]) => [name, near(one, document, depth)])), {
    requiredKeys: schema.required ?? [],
  });
  if (schema.additionalProperties === false) return known;
  const others = fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
  return fc.tuple(known, others).map(([a, b]) => ({ ...b, ...a }));
}

function text(schema: Node): fc.Arbitrary<string> {
  if (schema.format === 'date-time') return fc.constantFrom('2025-10-31T19:00:00Z', '1969-01-01T00:00:00+14:00');
  return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 30, 30) });
}
