import fc from 'fast-check';

/** Requests from an OpenAPI document: valid, near to what it describes, and hostile. */

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
  /** Sent as it is; undefined: none. */
  readonly body: string | undefined;
  readonly headers: Record<string, string>;
}

export function listOperations(document: object): ApiOperation[] {
  // A stream has no end.
  const paths = Object.entries<Node>((document as Node).paths).filter(([path]) => !path.endsWith('/stream'));
  return paths.flatMap(([path, methods]) =>
    Object.entries<Node>(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
      document,
    })),
  );
}

/** Values that exist, for requests to try. */
export interface KnownValues {
  readonly ids: readonly string[];
  readonly cursors: readonly string[];
  readonly tenants: readonly string[];
}

export function arbitraryRequest(
  { path, operation, document }: ApiOperation,
  known: KnownValues,
): fc.Arbitrary<ApiRequest> {
  const context = { document, ids: known.ids };
  const parameters: Node[] = operation.parameters ?? [];
  const inPath = parameters.filter((one) => one.in === 'path');
  const inQuery = parameters.filter((one) => one.in === 'query');
  const { 'application/json': json, [NDJSON]: lines } = operation.requestBody?.content ?? {};
  const schema = json?.schema;
  const value = (parameter: Node) =>
    fc
      .oneof(
        { weight: 3, arbitrary: fc.constant(parameter.example ?? 'x') },
        { weight: 3, arbitrary: near(parameter.schema, context).map(toText) },
        { weight: 3, arbitrary: fc.constantFrom(...(parameter.name === 'after' ? known.cursors : known.ids)) },
        { weight: 1, arbitrary: STRANGE_TEXT },
      )
      .map((chosen) => encode(String(chosen)));
  const part = (parameter: Node) => fc.oneof({ weight: 15, arbitrary: value(parameter) }, STRANGE_PART);
  return fc
    .record({
      path: fc.tuple(...inPath.map(part)),
      query: fc.tuple(...inQuery.map((one) => fc.option(part(one), { nil: undefined, freq: 1 }))),
      extra: rarely(fc.tuple(STRANGE_TEXT, STRANGE_TEXT)),
      body: schema
        ? spoiled(
            fc.oneof(
              { weight: 5, arbitrary: near(schema, context) },
              { weight: 1, arbitrary: fc.jsonValue() },
              { weight: 1, arbitrary: STRANGE_TEXT },
            ),
          )
        : lines
          ? arbitraryLines(Object.values<Node>(lines.examples)[0].value, context)
          : rarely(fc.jsonValue().map(toJson)),
      headers: fc.record({
        'x-request-id': rarely(STRANGE_HEADER),
        'idempotency-key': rarely(STRANGE_HEADER),
        'if-match': rarely(
          fc.oneof(fc.constantFrom('"1"', '1', '*', '"99999999999999999999"', 'W/"1"'), STRANGE_HEADER),
        ),
        'x-tidings-tenant': rarely(fc.oneof(fc.constantFrom(...known.tenants), STRANGE_HEADER)),
      }),
      type: rarely(fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'x', 'application/xml')),
    })
    .map(({ path: parts, query, extra, body, headers, type }) => {
      const filled = inPath.reduce(
        (url: string, one, index) => url.replace(`{${one.name}}`, () => parts[index] || '%20'),
        path,
      );
      const pairs = inQuery.flatMap((one, index) =>
        query[index] === undefined ? [] : [`${encode(one.name)}=${query[index]}`],
      );
      if (extra) pairs.push(`${encode(extra[0])}=${encode(extra[1])}`);
      return {
        url: pairs.length > 0 ? `${filled}?${pairs.join('&')}` : filled,
        body,
        headers: Object.fromEntries(
          Object.entries({ ...headers, 'content-type': type ?? (lines ? NDJSON : undefined) }).flatMap(([name, one]) =>
            one === undefined ? [] : [[name, one]],
          ),
        ),
      };
    });
}

const NDJSON = 'application/x-ndjson';

/** Lines of JSON near to those of an example: with other values, too much, too little, or something that is no line. */
function arbitraryLines(example: string, { ids }: Context): fc.Arbitrary<string> {
  const known: { readonly [name: string]: unknown }[] = example
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const names = [...new Set(known.flatMap((line) => Object.keys(line)))];
  const changed = fc
    .tuple(fc.constantFrom(...known), fc.constantFrom(...names), fc.oneof(fc.constantFrom<unknown>(...ids), STRANGE))
    .map(([line, name, value]) => ({ ...line, [name]: value }));
  const line = fc.oneof(
    { weight: 4, arbitrary: spoiled(fc.constantFrom(...known)) },
    { weight: 6, arbitrary: spoiled(changed) },
    { weight: 1, arbitrary: STRANGE_TEXT },
  );
  const end = fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', '');
  return fc
    .array(
      fc.tuple(line, end).map(([text, last]) => text + last),
      { maxLength: 6 },
    )
    .map((all) => all.join(''));
}

function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
}

/** JSON text of a value, now and then with something in it that `JSON.stringify` does not write. */
function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const spoil = fc.tuple(fc.nat(), fc.constantFrom(...SPOILED));
  return fc.tuple(value.map(toJson), rarely(spoil)).map(([text, chosen]) => {
    if (!chosen) return text;
    // In place of one of the values of the text.
    const places = [
      ...text.matchAll(/(?<=[:,[]|^)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|false|null|\[\]|\{\})(?=[,\]}]|$)/g),
    ];
    const place = places[chosen[0] % places.length];
    if (!place) return text;
    return text.slice(0, place.index) + chosen[1] + text.slice(place.index + place[0].length);
  });
}

/** Values of JSON texts, valid or not. */
const SPOILED = [
  '1e400',
  '-1e400',
  '-0',
  '123456789012345678901234567890',
  '0.1e-400',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"a\\u202eb"',
  '{"__proto__":{"toString":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"a":1,"a":2}',
  '{"toString":"x","valueOf":null,"hasOwnProperty":1}',
  '['.repeat(5000) + ']'.repeat(5000),
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
  '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]',
  `"${'x'.repeat(70_000)}"`,
  `"${'x'.repeat(1_100_000)}"`,
  '1e308',
  'NaN',
  'undefined',
  '"',
  '\0',
  '\ufeff1',
];

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/^\.{1,2}$/, '%2E');
}

function toJson(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const STRANGE_TEXT = fc.oneof(
  fc.constantFrom('', ' ', '\0', '..', '%', '{}', '-1', '1e999', 'null', '__proto__', '\u202e', 'a'.repeat(2000)),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.uuid(),
);

/** Parts of URLs that no text is written as. */
const STRANGE_PART = fc.constantFrom(
  '%ED%A0%80',
  '%FF',
  '%C0%80',
  '%00',
  '%',
  '%zz',
  '%u0041',
  '..%2f..',
  '%0d%0a',
  '+',
);

const STRANGE_HEADER = fc.oneof(
  fc.constantFrom('x', '0', '__proto__', 'constructor', '-1', 'a'.repeat(300), 'a'.repeat(3000), '\xff', '""', ','),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 }).filter((text) => /^[\x21-\x7e]+$/.test(text)),
  fc.uuid(),
);

const STRANGE = fc.oneof(
  STRANGE_TEXT,
  fc.constantFrom<unknown>(null, true, 0, -1, 1e21, 0.1, [], {}),
  fc.jsonValue({ maxDepth: 2 }),
);

interface Context {
  readonly document: Node;
  readonly ids: readonly string[];
}

/** Depth below which a value is any JSON: schemas may contain themselves. */
const MAX_DEPTH = 5;

/** Values that fit a schema, with something strange in one place now and then. */
function near(schema: Node, context: Context, depth = 0): fc.Arbitrary<unknown> {
  const inner = depth > MAX_DEPTH ? fc.jsonValue({ maxDepth: 1 }) : fitting(schema, context, depth + 1);
  return fc.oneof({ weight: 12, arbitrary: inner }, { weight: 1, arbitrary: STRANGE });
}

function fitting(schema: Node, context: Context, depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref) return fitting(context.document.components.schemas[schema.$ref.split('/').at(-1)], context, depth);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (options) return fc.oneof(...options.map((one: Node) => near(one, context, depth)));
  switch (String(schema.type)) {
    case 'object':
      return object(schema, context, depth);
    case 'array':
      return array(schema, context, depth);
    case 'string':
      return text(schema, context);
    case 'integer':
    case 'number':
      return fc.integer({ min: Math.ceil(schema.minimum ?? -5), max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1) });
    case 'boolean':
      return fc.boolean();
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Few items, or now and then as many as are allowed, or one more. */
function array(schema: Node, context: Context, depth: number): fc.Arbitrary<unknown> {
  const item = near(schema.items ?? {}, context, depth);
  const few = fc.array(item, { maxLength: 3 });
  const bound = schema.maxItems;
  if (bound === undefined || bound > MAX_MANY) return few;
  const many = fc.tuple(item, fc.constantFrom(bound, bound + 1)).map(([one, count]) => Array(count).fill(one));
  return fc.oneof({ weight: 15, arbitrary: few }, { weight: 1, arbitrary: many });
}

/** Items of the longest lists that are tried. */
const MAX_MANY = 1000;

function object(schema: Node, context: Context, depth: number): fc.Arbitrary<unknown> {
  const fields = Object.entries<Node>(schema.properties ?? {});
  const known = fc.record(Object.fromEntries(fields.map(([name, one]) => [name, near(one, context, depth)])), {
    requiredKeys: schema.required ?? [],
  });
  if (schema.additionalProperties === false) return known;
  const others = fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
  return fc.tuple(known, others).map(([a, b]) => ({ ...b, ...a }));
}

function text(schema: Node, { ids }: Context): fc.Arbitrary<string> {
  return fc.oneof({ weight: 6, arbitrary: described(schema) }, fc.constantFrom(...ids));
}

/** Characters of the longest texts that are tried for what is described. */
const MAX_LONG = 20_000;

function described(schema: Node): fc.Arbitrary<string> {
  if (schema.examples) return fc.constantFrom(...schema.examples);
  if (schema.format === 'date-time') return fc.constantFrom('2025-10-31T19:00:00Z', '1969-01-01T00:00:00+14:00');
  const bound = schema.maxLength;
  const short = fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(bound ?? 30, 30) });
  if (bound === undefined || bound > MAX_LONG) return short;
  const long = fc.constantFrom('🦊'.repeat(bound), 'x'.repeat(bound), 'x'.repeat(bound + 1));
  return fc.oneof({ weight: 15, arbitrary: short }, { weight: 1, arbitrary: long });
}
