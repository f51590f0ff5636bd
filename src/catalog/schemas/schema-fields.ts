import { fieldNames, type Type, typeOfField } from '../../expressions/type.ts';
import type { JsonObject } from '../../model/event.ts';

/** The type of a field as a schema declares it; nothing when it has no such field. */
export function fieldOf(schema: JsonObject, name: string): Type | undefined {
  return typeOfField({ kind: 'map', schema }, name);
}

/** The fields that a schema names. */
export function namesIn(schema: JsonObject | undefined): string[] {
  return schema ? fieldNames({ kind: 'map', schema }) : [];
}
