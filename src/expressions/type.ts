import type { Json, JsonObject } from '../model/event.ts';
import type { Kind } from './value.ts';

export interface Type {
  /** `dyn`: unknown. */
  readonly kind: Kind | 'dyn';
  /** Type of the items of a list. */
  readonly item?: Type;
  /** Schema with the fields of a map. */
  readonly schema?: JsonObject;
  /** The `format` of a text. */
  readonly format?: string;
  /** Allowed values, if the schema lists them. */
  readonly values?: readonly Json[];
}

export const DYN: Type = { kind: 'dyn' };
export const BOOL: Type = { kind: 'bool' };
export const NUMBER: Type = { kind: 'number' };
export const STRING: Type = { kind: 'string' };

const KINDS: { readonly [type: string]: Kind } = {
  boolean: 'bool',
  number: 'number',
  integer: 'number',
  string: 'string',
  null: 'null',
  array: 'list',
  object: 'map',
};

/** Returns the type that a schema guarantees; `dyn` without a single `type`. */
export function toType(schema: Json | undefined): Type {
  if (!isObject(schema) || schema.nullable === true) return DYN;
  const kind = typeof schema.type === 'string' && Object.hasOwn(KINDS, schema.type) ? KINDS[schema.type] : undefined;
  const values = Array.isArray(schema.enum) ? schema.enum : schema.const === undefined ? undefined : [schema.const];
  if (kind === undefined) return values && schema.type === undefined ? { kind: 'dyn', values } : DYN;
  return {
    kind,
    ...(typeof schema.format === 'string' && { format: schema.format }),
    ...(kind === 'list' && { item: hasOtherFieldKeywords(schema) ? DYN : toType(schema.items) }),
    ...(kind === 'map' && { schema }),
    ...(values && { values }),
  };
}

/** Returns the type of a field, or undefined if a closed schema does not name it. */
export function getFieldType({ schema = {} }: Type, name: string): Type | undefined {
  const { properties, additionalProperties, required } = schema;
  if (isObject(properties) && Object.hasOwn(properties, name)) return toType(properties[name]);
  if (hasOtherFieldKeywords(schema) || (Array.isArray(required) && required.includes(name))) return DYN;
  if (isObject(additionalProperties)) return toType(additionalProperties);
  return isObject(properties) && additionalProperties !== true ? undefined : DYN;
}

/** Whether the schema may define fields or items outside `properties` and `items`. */
function hasOtherFieldKeywords(schema: JsonObject): boolean {
  return OTHER_FIELD_KEYWORDS.some((keyword) => schema[keyword] !== undefined && schema[keyword] !== false);
}

const OTHER_FIELD_KEYWORDS = [
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependentRequired'],
  ...['patternProperties', 'unevaluatedProperties', 'prefixItems', 'unevaluatedItems', 'contains'],
];

export function getFieldNames(map: Type): string[] {
  return isObject(map.schema?.properties) ? Object.keys(map.schema.properties) : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
