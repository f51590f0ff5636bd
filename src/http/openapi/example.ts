/** The parts of a JSON Schema that examples are made from. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

/** Depth at which an example ends: below it, lists are empty. */
const MAX_DEPTH = 12;

/** Makes an example of a value: from the examples in its schema, with the required fields of objects, and one item of lists. */
export function makeExample(schema: JsonSchema, schemas: { readonly [name: string]: JsonSchema }, depth = 0): unknown {
  const make = (inner: JsonSchema) => makeExample(inner, schemas, depth + 1);
  const { $ref, examples, properties, required = [], items } = schema;
  if (examples?.length) return examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if ($ref !== undefined) return make(schemas[$ref.slice('#/components/schemas/'.length)] ?? {});
  const [first] = schema.anyOf ?? schema.oneOf ?? schema.allOf ?? [];
  if (first) return make(first);
  if (properties) {
    return Object.fromEntries(
      Object.entries(properties)
        .filter(([name]) => required.includes(name))
        .map(([name, inner]) => [name, make(inner)]),
    );
  }
  if (items) return depth < MAX_DEPTH ? [make(items)] : [];
  if (schema.default !== undefined) return schema.default;
  return SIMPLE[String(schema.type)]?.(schema) ?? null;
}

const SIMPLE: { readonly [type: string]: ((schema: JsonSchema) => unknown) | undefined } = {
  string: () => 'text',
  integer: ({ minimum = 0 }) => Math.max(minimum, 1),
  number: ({ minimum = 0 }) => Math.max(minimum, 1),
  boolean: () => true,
  object: () => ({}),
  array: () => [],
};
