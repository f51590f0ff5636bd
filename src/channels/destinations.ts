import { z } from 'zod';

/** A URL among the settings of an account to which its provider connects. */
export interface Destination {
  /** Path of the setting. */
  readonly path: readonly string[];
  readonly url: string;
}

/** Returns the schema of a setting that is a URL to which the provider connects: a tenant cannot aim it at a private network. */
export function destination<Schema extends z.ZodType>(schema: Schema): Schema {
  // As metadata, because a schema that is described, or made optional, is another object.
  return schema.meta({ ...schema.meta(), format: 'uri' });
}

/** Host of a URL that is, in whole or in part, a placeholder: it is known, and checked, when something is sent. */
const OPEN_HOST = /^[a-z]*:?\/{0,2}[^/?#]*\{\{/i;

/** Returns the destinations among the settings of an account, as far as they are known before something is sent. */
export function listDestinations(schema: z.ZodType, settings: unknown, path: readonly string[] = []): Destination[] {
  const isHere = schema.meta()?.format === 'uri';
  if (isHere && typeof settings === 'string') return OPEN_HOST.test(settings) ? [] : [{ path, url: settings }];
  const inner = unwrap(schema);
  if (inner !== undefined) return listDestinations(isHere ? destination(inner) : inner, settings, path);
  if (!(schema instanceof z.ZodObject) || typeof settings !== 'object' || settings === null) return [];
  const values = new Map<string, unknown>(Object.entries(settings));
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, part]) =>
    listDestinations(part, values.get(name), [...path, name]),
  );
}

function unwrap(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return schema.unwrap() as z.ZodType;
  }
  return schema instanceof z.ZodPipe ? (schema.in as z.ZodType) : undefined;
}
