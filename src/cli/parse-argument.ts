import { InvalidArgumentError } from 'commander';
import type { JsonObject } from '../model/event.ts';

/** Parses the number of a catalog version. @throws InvalidArgumentError with what would be right */
export function parseVersion(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write the number of a version; see `tidings catalog versions`.');
}

/** Parses the largest number of entries to list. @throws InvalidArgumentError with what would be right */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,3}$/.test(text) && limit >= 1 && limit <= 200) return limit;
  throw new InvalidArgumentError('Write a whole number from 1 to 200.');
}

/** Parses a JSON object. @throws InvalidArgumentError */
export function parseJsonObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // As any other text that is no object.
  }
  throw new InvalidArgumentError(`Write a JSON object, such as '{"plan": "pro"}'.`);
}
