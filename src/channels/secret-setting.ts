import { z } from 'zod';

/**
 * Returns the schema of a setting that is a secret: it is kept sealed, written but never read by the API, and appears in no
 * error.
 */
export function secretSetting(): z.ZodString;
export function secretSetting<Schema extends z.ZodType>(schema: Schema): Schema;
export function secretSetting(schema: z.ZodType = z.string().min(1).max(10_000)): z.ZodType {
  // As metadata, because a schema that is described, or made optional, is another object.
  return schema.meta({ ...schema.meta(), writeOnly: true });
}

/**
 * Returns the schema of a secret that stands in a header as it is written: a line break at its end would spoil each request.
 */
export function headerSecretSetting(description: string, max = 10_000) {
  const schema = z.string().min(1).max(max);
  const error = 'must have printable characters of ASCII only, without blanks and line breaks';
  return secretSetting(schema.regex(/^[\x21-\x7e]*$/, error).describe(description));
}

/** Returns the names of the secrets among the settings of a provider. */
export function listSecrets(settings: z.ZodType): string[] {
  if (!(settings instanceof z.ZodObject)) return [];
  return Object.entries(settings.shape as Record<string, z.ZodType>).flatMap(([name, schema]) =>
    isSecret(schema) ? [name] : [],
  );
}

function isSecret(schema: z.ZodType): boolean {
  if (schema.meta()?.writeOnly === true) return true;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault
    ? isSecret(schema.unwrap() as z.ZodType)
    : false;
}
