import { type JsonSchema, makeExample } from './example.ts';

/* The last steps from the schemas of the routes to the OpenAPI document. */

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, read and changed part by part
type Node = any;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/**
 * Completes a document: leaves out components that nothing refers to, gives those of requests their own names where they
 * have no other, adds an example to each operation, and the codes to the schema of its problems. Returns a new document.
 */
export function completeDocument(document: Node): Node {
  const whole = renameInputs(dropReadOnly(structuredClone(document)));
  whole.components.schemas = keepUsed(whole);
  for (const operations of Object.values<Node>(whole.paths)) {
    for (const method of METHODS) {
      if (operations[method]) completeOperation(operations[method], whole.components.schemas);
    }
  }
  shareProblems(whole);
  return whole;
}

/** The library marks lists that TypeScript may not change as `readOnly`, which means something else in OpenAPI. */
function dropReadOnly(node: Node): Node {
  if (node === null || typeof node !== 'object') return node;
  if (node.readOnly === true) delete node.readOnly;
  for (const inner of Object.values(node)) dropReadOnly(inner);
  return node;
}

const REFERENCE = '#/components/schemas/';

/** The library calls each component of a request `NAMEInput`. It is called `NAME` if the responses do not have another. */
function renameInputs(whole: Node): Node {
  const used = findUsed(whole);
  const names = new Map(
    [...used]
      .filter((name) => name.endsWith('Input') && !used.has(name.slice(0, -'Input'.length)))
      .map((name) => [name, name.slice(0, -'Input'.length)]),
  );
  const { schemas } = whole.components;
  for (const [name, shorter] of names) {
    schemas[shorter] = schemas[name];
    delete schemas[name];
  }
  forEachReference(whole, (holder, name) => {
    holder.$ref = REFERENCE + (names.get(name) ?? name);
  });
  return whole;
}

function forEachReference(node: Node, visit: (holder: { $ref: string }, name: string) => void): void {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.$ref === 'string') visit(node, node.$ref.slice(REFERENCE.length));
  for (const inner of Object.values(node)) forEachReference(inner, visit);
}

/** Returns the names of the components that the operations refer to, also through others. */
function findUsed({ paths, components }: Node): Set<string> {
  const used = new Set<string>();
  const add = (_holder: unknown, name: string) => {
    if (used.has(name)) return;
    used.add(name);
    forEachReference(components.schemas[name], add);
  };
  forEachReference(paths, add);
  return used;
}

function keepUsed(whole: Node): Node {
  const used = findUsed(whole);
  const entries = Object.entries<Node>(whole.components.schemas).filter(([name]) => used.has(name));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function completeOperation(operation: Node, schemas: { readonly [name: string]: JsonSchema }): void {
  const codes: readonly string[] = operation['x-errors'] ?? [];
  for (const [status, response] of Object.entries<Node>(operation.responses)) {
    for (const [type, content] of Object.entries<Node>(response.content ?? {})) {
      if (!type.startsWith('application/problem')) content.example = makeExample(content.schema, schemas);
      else content.schema = { allOf: [content.schema], ...narrow(response.description, codes, Number(status)) };
    }
  }
  for (const content of Object.values<Node>(operation.requestBody?.content ?? {})) {
    const found = listExamples(content) ??
      findExamples(content.schema, schemas) ?? [makeExample(content.schema, schemas)];
    delete content.example;
    content.examples = Object.fromEntries(found.map((value, index) => [`example_${index + 1}`, { value }]));
  }
  for (const parameter of operation.parameters ?? []) {
    const [example] = parameter.schema.examples ?? [];
    if (example !== undefined) parameter.example = example;
    delete parameter.schema.examples;
    if (parameter.schema.description) {
      parameter.description = parameter.schema.description;
      delete parameter.schema.description;
    }
  }
}

/** Returns the codes that a problem with this status may have. */
function narrow(description: string, codes: readonly string[], status: number): object {
  const listed = new Set(description.split(/[,:]? /));
  return {
    properties: { status: { const: status }, code: { enum: codes.filter((code) => listed.has(code)) } },
  };
}

/** Moves responses that are problems alone into the components: one for each list of codes, named by them. */
function shareProblems(whole: Node): void {
  const shared: { [name: string]: Node } = {};
  for (const operation of Object.values<Node>(whole.paths).flatMap((operations) => Object.values<Node>(operations))) {
    for (const [status, response] of Object.entries<Node>(operation.responses)) {
      const types = Object.keys(response.content ?? {});
      if (types.length !== 1 || !types[0]?.startsWith('application/problem')) continue;
      const name = response.description.replace(/(?:^|[_ ,]+)([a-z])/g, (_: string, letter: string) =>
        letter.toUpperCase(),
      );
      shared[name] = response;
      operation.responses[status] = { $ref: `#/components/responses/${name}` };
    }
  }
  whole.components.responses = Object.fromEntries(Object.entries(shared).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the examples of a body whose schema has examples and is no component: the plugin has moved them here. */
function listExamples({ example, examples }: Node): readonly unknown[] | undefined {
  if (example !== undefined) return [example];
  return examples && Object.values<Node>(examples).map(({ value }) => value);
}

function findExamples(
  schema: JsonSchema,
  schemas: { readonly [name: string]: JsonSchema },
): readonly unknown[] | undefined {
  const target = schema.$ref === undefined ? schema : schemas[schema.$ref.slice(REFERENCE.length)];
  return target?.examples;
}
