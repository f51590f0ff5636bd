import type { JsonObject } from '@tidings/client/types';

/** Returns a JSON object from its text; null: the text is not a JSON object. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

/** Returns the JSON object of a field that may be empty; undefined: it is empty; null: it is no JSON object. */
export function readObject(text: string): JsonObject | null | undefined {
  return text.trim() === '' ? undefined : parseObject(text);
}
