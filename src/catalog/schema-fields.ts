import type { JsonObject } from '../model.ts';
import { fieldNames, type Type, typeOfField } from '../rules/cel/type.ts';

/** The type of a field as a schema declares it; nothing when it has no such field. */
export function fieldOf(schema: JsonObject, name: string): Type | undefined {
  return typeOfField({ kind: 'map', schema }, name);
}

/** The fields that a schema names. */
export function namesIn(schema: JsonObject | undefined): string[] {
  return schema ? fieldNames({ kind: 'map', schema }) : [];
}
