import type { Json, JsonObject } from '../../model/event.ts';

/** Depth of nested types from which on a value is typed `unknown`. */
const MAX_TYPE_DEPTH = 16;

/** Most characters of the type of one schema; a larger one is `unknown`: references can multiply it. */
const MAX_TYPE_CHARS = 50_000;

const PRIMITIVES: { readonly [type: string]: string } = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

interface Scope {
  readonly root: JsonObject;
  readonly depth: number;
  /** Characters that may still be written. */
  readonly left: { chars: number };
}

/**
 * Returns the TypeScript type of the values of a JSON Schema, as it stands after a colon. Conditions that TypeScript cannot
 * express, such as a pattern or `if`, are left out: the type then allows more than the schema.
 */
export function toSchemaType(schema: JsonObject): string {
  const left = { chars: MAX_TYPE_CHARS };
  const text = toType(schema, { root: schema, depth: 0, left });
  return left.chars < 0 ? 'unknown' : text;
}

/** Returns an object key: as it is if it is an identifier, otherwise quoted. */
export function toKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** Returns a doc comment with this indentation, and a line break after it; empty without a text. */
export function toDocComment(text: unknown, indent: string): string {
  if (typeof text !== 'string' || text.trim() === '') return '';
  const lines = text
    .trim()
    .replaceAll('*/', '*\\/')
    .split(/\s*[\r\n\u2028\u2029]+\s*/);
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
}

function toType(schema: Json | undefined, scope: Scope): string {
  if (scope.left.chars < 0 || scope.depth > MAX_TYPE_DEPTH) return 'unknown';
  if (schema === false) return 'never';
  if (!isObject(schema)) return 'unknown';
  const inner = { ...scope, depth: scope.depth + 1 };
  const parts = [
    typeof schema.$ref === 'string' ? toType(resolve(schema.$ref, scope.root), inner) : 'unknown',
    toOwnType(schema, inner),
    ...asList(schema.allOf).map((one) => toType(one, inner)),
    toUnion(asList(schema.anyOf).map((one) => toType(one, inner))),
    toUnion(asList(schema.oneOf).map((one) => toType(one, inner))),
  ].filter((part) => part !== 'unknown');
  const unique = [...new Set(parts)];
  const text = unique.length > 1 ? unique.map(inParentheses).join(' & ') : (unique[0] ?? 'unknown');
  scope.left.chars -= text.length;
  return text;
}

/** Returns the type that the schema's own keywords give, without `$ref` and the combining ones. */
function toOwnType(schema: JsonObject, scope: Scope): string {
  if (schema.const !== undefined) return toLiteral(schema.const);
  if (Array.isArray(schema.enum)) return toUnion(schema.enum.map(toLiteral));
  const types = asList(schema.type ?? guessType(schema)).map(String);
  return toUnion(
    types.map((type) => {
      if (type === 'object') return toObjectType(schema, scope);
      if (type === 'array') return toArrayType(schema, scope);
      return PRIMITIVES[type] ?? 'unknown';
    }),
  );
}

/** Returns the type that a schema without `type` is meant for; absent: any. */
function guessType(schema: JsonObject): Json[] {
  if (schema.properties !== undefined) return ['object'];
  if (schema.items !== undefined || schema.prefixItems !== undefined) return ['array'];
  return [];
}

function toObjectType(schema: JsonObject, scope: Scope): string {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const others = schema.additionalProperties;
  const names = Object.keys(properties);
  if (names.length === 0) {
    if (others === false) return '{ [key: string]: never }';
    return `{ [key: string]: ${toType(others, scope)} }`;
  }
  const required = new Set(asList(schema.required));
  const indent = '  '.repeat(scope.depth);
  const lines = names.map((name) => {
    const one = properties[name];
    const doc = isObject(one) ? toDocComment(one.description ?? one.title, indent) : '';
    return `${doc}${indent}${toKey(name)}${required.has(name) ? '' : '?'}: ${toType(one, scope)};\n`;
  });
  // The type of further keys would have to include those of the named ones.
  if (isObject(others) || isObject(schema.patternProperties)) lines.push(`${indent}[key: string]: unknown;\n`);
  return `{\n${lines.join('')}${'  '.repeat(scope.depth - 1)}}`;
}

function toArrayType(schema: JsonObject, scope: Scope): string {
  const item = toType(schema.items, scope);
  if (!Array.isArray(schema.prefixItems)) return `${inParentheses(item)}[]`;
  const first = schema.prefixItems.map((one, index) => {
    const isRequired = typeof schema.minItems === 'number' && index < schema.minItems;
    return isRequired ? toType(one, scope) : `${inParentheses(toType(one, scope))}?`;
  });
  const rest = schema.items === false ? [] : [`...${inParentheses(item)}[]`];
  return `[${[...first, ...rest].join(', ')}]`;
}

function toLiteral(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toLiteral).join(', ')}]`;
  const fields = Object.entries(value).map(([name, one]) => `${toKey(name)}: ${toLiteral(one)}`);
  return fields.length === 0 ? '{ [key: string]: never }' : `{ ${fields.join('; ')} }`;
}

function toUnion(types: readonly string[]): string {
  if (types.length === 0 || types.includes('unknown')) return 'unknown';
  return [...new Set(types)].join(' | ');
}

function inParentheses(type: string): string {
  return / [|&] /.test(type) && !/^\{[^|&]*\}$/.test(type) ? `(${type})` : type;
}

/** Returns the schema that a reference within the same document names; undefined: it names none that is there. */
function resolve(ref: string, root: JsonObject): Json | undefined {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return undefined;
  let found: Json | undefined = root;
  for (const step of ref.slice(2).split('/')) {
    const key = safeDecode(step).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  return found;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function asList(value: Json | undefined): readonly Json[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
