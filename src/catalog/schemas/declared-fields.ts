import { getFieldNames, getFieldType, type Type } from '../../expressions/type.ts';
import type { JsonObject } from '../../model/event.ts';

/** Returns the type of a field as the schema declares it; undefined if the schema has no such field. */
export function getDeclaredType(schema: JsonObject, name: string): Type | undefined {
  return getFieldType({ kind: 'map', schema }, name);
}

/** Returns the names of the fields that a schema declares; empty without a schema. */
export function getDeclaredNames(schema: JsonObject | undefined): string[] {
  return schema ? getFieldNames({ kind: 'map', schema }) : [];
}
