import type { Json, JsonObject } from '../model/event.ts';
import type { Kind } from './value.ts';

export interface Type {
  /** `dyn`: nothing is known. */
  readonly kind: Kind | 'dyn';
  /** Of a list: its items. */
  readonly item?: Type;
  /** Of a map: the schema that names its fields. */
  readonly schema?: JsonObject;
  /** The only values it can have, when its schema lists them. */
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

/** A schema with no single `type` says nothing that can be relied on. */
export function typeOfSchema(schema: Json | undefined): Type {
  if (!isObject(schema) || schema.nullable === true) return DYN;
  const kind = typeof schema.type === 'string' && Object.hasOwn(KINDS, schema.type) ? KINDS[schema.type] : undefined;
  if (kind === undefined) return DYN;
  return {
    kind,
    ...(kind === 'list' && { item: saysMore(schema) ? DYN : typeOfSchema(schema.items) }),
    ...(kind === 'map' && { schema }),
    ...(Array.isArray(schema.enum) && { values: schema.enum }),
  };
}

/** The type of a field, or nothing when the schema does not name it and is not open. */
export function typeOfField({ schema = {} }: Type, name: string): Type | undefined {
  const { properties, additionalProperties, required } = schema;
  if (isObject(properties) && Object.hasOwn(properties, name)) return typeOfSchema(properties[name]);
  if (saysMore(schema) || (Array.isArray(required) && required.includes(name))) return DYN;
  if (isObject(additionalProperties)) return typeOfSchema(additionalProperties);
  return isObject(properties) && additionalProperties !== true ? undefined : DYN;
}

/** Fields and items may also be named elsewhere than in `properties` and `items`. */
function saysMore(schema: JsonObject): boolean {
  return ELSEWHERE.some((keyword) => schema[keyword] !== undefined && schema[keyword] !== false);
}

const ELSEWHERE = [
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependentRequired'],
  ...['patternProperties', 'unevaluatedProperties', 'prefixItems', 'unevaluatedItems', 'contains'],
];

export function fieldNames(map: Type): string[] {
  return isObject(map.schema?.properties) ? Object.keys(map.schema.properties) : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
