import type { Json, JsonObject } from '../model/event.ts';

/** Returns a text as a JSON object; undefined: it is something else. */
export function readJsonObject(text: string): JsonObject | undefined {
  return asObject(readJson(text));
}

/** Returns a text as JSON; undefined: it is not valid. */
export function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Returns a value if it is an object. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** Returns a value if it is text that is not empty. */
export function asText(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
