import { findNearest } from '../../lib/did-you-mean.ts';
import type { JsonObject } from '../../model/event.ts';
import { suggest } from '../parse/suggest.ts';

/** The types that may stand for a schema: `amount: number`. */
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
export const JSON_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
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

/** Every keyword of JSON Schema 2020-12 that may be used, and what it holds. */
export const KEYWORDS: { readonly [keyword: string]: KeywordKind } = {
  type: 'type',
  $ref: 'ref',
  pattern: 'pattern',
  format: 'format',
  uniqueItems: 'unique',
  enum: 'enum',
  $schema: 'dialect',
  ...held('schema map', ['properties', 'patternProperties', '$defs', 'dependentSchemas']),
  ...held('schemas', ['allOf', 'anyOf', 'oneOf', 'prefixItems']),
  ...held('schema', ['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else']),
  ...held('schema', ['unevaluatedItems', 'unevaluatedProperties']),
  ...held('value', ['const', 'required', 'dependentRequired', 'minProperties', 'maxProperties']),
  ...held('value', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
  ...held('value', ['minLength', 'maxLength', 'minItems', 'maxItems', 'minContains', 'maxContains']),
  ...held('value', ['title', 'description', 'examples', 'default', 'deprecated', '$comment']),
};

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** What was probably meant by a type that is none of `possible`. */
export function typeHint(written: string, possible: readonly string[]): string {
  const word = written.toLowerCase();
  const meant = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word]! : word;
  if (possible.includes(meant)) return `did you mean ${meant}?`;
  const short = Object.hasOwn(SHORT_TYPES, meant) ? SHORT_TYPES[meant] : undefined;
  return short?.format ? `write { type: string, format: ${short.format} }` : suggest(written, possible);
}

/** What to write where a keyword is none of `KEYWORDS`. */
export function keywordHint(keyword: string): string {
  if (keyword === 'nullable') return "write type: [string, 'null']";
  if (keyword === 'definitions') return 'did you mean $defs?';
  if (keyword === '$id' || keyword === '$async' || keyword === '$anchor') return 'remove it';
  const near = findNearest(keyword, Object.keys(KEYWORDS));
  if (near) return `did you mean ${near}?`;
  return 'a nested object is written { type: object, properties: { … } }';
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

function held(holds: KeywordKind, keywords: readonly string[]): { [keyword: string]: KeywordKind } {
  return Object.fromEntries(keywords.map((keyword) => [keyword, holds]));
}
