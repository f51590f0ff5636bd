import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import type { Kind } from './parser.ts';

/** catalog.schema.json, compiled. */

export type Part = { readonly [keyword: string]: unknown };

export const SCHEMA: Part & { readonly properties: Part } = JSON.parse(
  readFileSync(new URL('../../catalog.schema.json', import.meta.url), 'utf8'),
);

/**
 * Compiles a variant of the schema. Strict: a misspelled keyword throws.
 *
 * @param onSeen called with the value of each keyword `seen` when that part of the schema is used
 */
export function compileSchema(schema: Part, onSeen: (value: string) => void = () => undefined): ValidateFunction {
  return newAjv(onSeen).compile(schema);
}

function newAjv(onSeen: (value: string) => void = () => undefined): Ajv {
  const ajv = new Ajv({ strictTypes: false, strictRequired: false, allowUnionTypes: true });
  // Extensions of the YAML language server.
  ajv.addVocabulary(['errorMessage', 'defaultSnippets', 'enumDescriptions']);
  ajv.addKeyword({
    keyword: 'seen',
    validate: (value: string) => {
      onSeen(value);
      return true;
    },
  });
  return ajv;
}

const ajv = newAjv().addSchema(SCHEMA, 'catalog');
const validate = ajv.getSchema('catalog') as ValidateFunction;

/** Returns what is wrong with a catalog file by the schema; empty: nothing. */
export function errorsIn(document: unknown, check: ValidateFunction = validate): string[] {
  check(document);
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Returns what is wrong with a value by the part of the schema at a pointer: `/definitions/rule`. */
export function errorsAt(pointer: string, value: unknown): string[] {
  return errorsIn(value, ajv.compile({ $ref: `catalog#${pointer}` }));
}

/** Returns the part of the schema at a pointer. */
export function partAt(pointer: string): Part {
  const keys = pointer.split('/').slice(1);
  return keys.reduce((part, key) => part[key] as Part, SCHEMA as Part);
}

/** Returns the keys that the schema knows at a pointer, in order of the alphabet. */
export function keysAt(pointer: string): string[] {
  return Object.keys(partAt(pointer).properties as object).sort();
}

/** Returns the content of a catalog file that holds one such thing. */
export function documentWith(kind: Kind, thing: unknown): Part {
  switch (kind) {
    case 'event':
      return { events: { e: thing } };
    case 'trait':
      return { events: null, traits: { t: thing } };
    case 'notification':
      return { notifications: { N: thing } };
    case 'rule':
      return { rules: { R: thing } };
    case 'group':
      return { rules: null, groups: { G: thing } };
    case 'case':
      return { cases: [thing] };
  }
}

/** Calls `visit` with each schema in the schema, and its pointer. */
export function visitSchemas(part: unknown, visit: (part: Part, pointer: string) => void, pointer = ''): void {
  if (typeof part !== 'object' || part === null) return;
  visit(part as Part, pointer);
  for (const [key, value] of Object.entries(part)) {
    if (['items', 'additionalProperties', 'propertyNames', 'if', 'then', 'else', 'not'].includes(key)) {
      visitSchemas(value, visit, `${pointer}/${key}`);
    } else if (['properties', 'definitions', 'allOf', 'anyOf', 'oneOf'].includes(key)) {
      for (const [name, inside] of Object.entries(value)) visitSchemas(inside, visit, `${pointer}/${key}/${name}`);
    }
  }
}
