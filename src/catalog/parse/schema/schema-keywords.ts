import { findNearest } from '../../../lib/text/did-you-mean.ts';
import type { JsonObject } from '../../../model/event.ts';
import { suggest } from '../suggest.ts';

/** Types of the short form, `amount: number`, with the JSON Schema that each stands for. */
export const SHORT_TYPES: { readonly [type: string]: JsonObject } = {
  string: { type: 'string' },
  number: { type: 'number' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  object: { type: 'object' },
  array: { type: 'array' },
  timestamp: { type: 'string', format: 'date-time' },
  date: { type: 'string', format: 'date' },
};

/** Types of JSON Schema itself. */
export const JSON_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];

/** The kind of value that a keyword has, by which it is parsed and checked. */
type KeywordKind =
  | 'schema'
  | 'schemas'
  | 'schema map'
  | 'value'
  | 'type'
  | 'ref'
  | 'pattern'
  | 'format'
  | 'unique'
  | 'enum'
  | 'dialect';

/** The supported keywords of JSON Schema 2020-12. */
export const KEYWORDS: { readonly [keyword: string]: KeywordKind } = {
  type: 'type',
  $ref: 'ref',
  pattern: 'pattern',
  format: 'format',
  uniqueItems: 'unique',
  enum: 'enum',
  $schema: 'dialect',
  ...ofKind('schema map', ['properties', 'patternProperties', '$defs', 'dependentSchemas']),
  ...ofKind('schemas', ['allOf', 'anyOf', 'oneOf', 'prefixItems']),
  ...ofKind('schema', ['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else']),
  ...ofKind('schema', ['unevaluatedItems', 'unevaluatedProperties']),
  ...ofKind('value', ['const', 'required', 'dependentRequired', 'minProperties', 'maxProperties']),
  ...ofKind('value', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
  ...ofKind('value', ['minLength', 'maxLength', 'minItems', 'maxItems', 'minContains', 'maxContains']),
  ...ofKind('value', ['title', 'description', 'examples', 'default', 'deprecated', '$comment']),
};

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Returns a hint for a type that is not in `possible`. */
export function typeHint(written: string, possible: readonly string[]): string {
  const word = written.toLowerCase();
  const meant = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word]! : word;
  if (possible.includes(meant)) return `did you mean ${meant}?`;
  const short = Object.hasOwn(SHORT_TYPES, meant) ? SHORT_TYPES[meant] : undefined;
  return short?.format ? `write { type: string, format: ${short.format} }` : suggest(written, possible);
}

/** Returns a hint for a keyword that is not in `KEYWORDS`. */
export function keywordHint(keyword: string): string {
  if (keyword === 'nullable') return "write type: [string, 'null']";
  if (keyword === 'definitions') return 'did you mean $defs?';
  if (keyword === '$id' || keyword === '$async' || keyword === '$anchor') return 'remove it';
  const near = findNearest(keyword, Object.keys(KEYWORDS));
  if (near) return `did you mean ${near}?`;
  return 'write a nested object as { type: object, properties: { … } }';
}

const SYNONYMS: { readonly [word: string]: string } = {
  text: 'string',
  str: 'string',
  int: 'integer',
  float: 'number',
  double: 'number',
  decimal: 'number',
  bool: 'boolean',
  datetime: 'timestamp',
  'date-time': 'timestamp',
  time: 'timestamp',
  list: 'array',
  map: 'object',
};

function ofKind(kind: KeywordKind, keywords: readonly string[]): { [keyword: string]: KeywordKind } {
  return Object.fromEntries(keywords.map((keyword) => [keyword, kind]));
}
