import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { redact } from '../privacy/mask.ts';

/** Longest value and list of allowed values in a message, in characters. */
const MAX_VALUE_CHARS = 60;
const MAX_ALLOWED_CHARS = 200;

type Issue = z.core.$ZodIssue;
type Parse = (value: unknown) => { value: unknown } | { error: TidingsError };

/**
 * Compiles the schema of a part of a request (path, query, body). A value that does not fit is an `invalid_request` that names
 * the field, what was given and what would be right. A message of a schema's own begins with `write …` (what would be right)
 * or `has …` (what is wrong); the texts of the library are not shown.
 */
export const compileRequestSchema: FastifySchemaCompiler<z.ZodType> =
  ({ schema }): Parse =>
  (value) => {
    const parsed = z.safeParse(schema, value);
    return parsed.success ? { value: parsed.data } : { error: toError(parsed.error.issues[0], schema, value) };
  };

function toError(issue: Issue | undefined, schema: z.ZodType, value: unknown): TidingsError {
  if (!issue) return new TidingsError('invalid_request', 'The request is not valid; see /api/docs.');
  if (issue.code === 'unrecognized_keys') return toUnknownNames(issue.keys, schema);
  if (issue.code === 'invalid_union' && issue.errors[0]?.[0]) {
    const [first] = issue.errors[0];
    return toError({ ...first, path: [...issue.path, ...first.path] }, schema, value);
  }
  // The place of a name is the object that has it.
  const path = (issue.code === 'invalid_key' ? issue.path.slice(0, -1) : issue.path).join('.');
  const { wrong, right } = describeIssue(issue, getGiven(value, issue.path));
  const detail = `${path || 'The body'} ${wrong}${right ? `; ${right}` : ''}.`;
  return new TidingsError('invalid_request', detail, { path });
}

/** Returns what the caller wrote at a path; the library knows only what it made of a text. */
function getGiven(value: unknown, path: Issue['path']): unknown {
  return path.reduce<unknown>(
    (part, name) => (part as { readonly [name: PropertyKey]: unknown } | null)?.[name],
    value,
  );
}

function toUnknownNames(names: readonly string[], schema: z.ZodType): TidingsError {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const shown = names.map((name) => JSON.stringify(shorten(name))).join(', ');
  const near = names.length === 1 ? findNearest(names[0]!, known) : undefined;
  const right = near === undefined ? 'see /api/docs' : `did you mean ${near}?`;
  const are = names.length === 1 ? 'is not a parameter' : 'are not parameters';
  return new TidingsError('invalid_request', `${shown} ${are} of this route; ${right}${near === undefined ? '.' : ''}`);
}

/** Returns what is wrong, as `is "lost"`, and what would be right, as `write true or false`. */
function describeIssue(issue: Issue, input: unknown): { readonly wrong: string; readonly right?: string } {
  const { message } = issue;
  const given = describeGiven(input);
  if (message.startsWith('write ')) return { wrong: given, right: message };
  switch (issue.code) {
    case 'invalid_value':
      return { wrong: given, right: describeAllowed(issue.values.map(String), input) };
    case 'invalid_type':
      return { wrong: given, right: `write ${EXPECTED[issue.expected] ?? 'what /api/docs shows'}` };
    case 'too_small':
      if (issue.origin === 'string') return { wrong: 'is empty', right: 'write at least 1 character' };
      return { wrong: given, right: `write a number that is at least ${issue.minimum}` };
    case 'too_big':
      if (issue.origin === 'string') {
        return { wrong: 'is too long', right: `write at most ${issue.maximum} characters` };
      }
      return { wrong: given, right: `write a number that is at most ${issue.maximum}` };
    case 'invalid_key':
      return { wrong: 'has a name that is empty or too long', right: 'write a name of 1 to 512 characters' };
    case 'custom':
      return message.startsWith('has ') ? { wrong: message } : { wrong: 'is not valid', right: 'see /api/docs' };
    default:
      return { wrong: 'is not valid', right: 'see /api/docs' };
  }
}

const EXPECTED: { readonly [type: string]: string | undefined } = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a list',
};

/** Returns `is "lost"`, and for a value that may be long or private its kind only. */
function describeGiven(value: unknown): string {
  if (value === undefined) return 'is missing';
  // A parameter of a query that is given several times.
  if (Array.isArray(value)) return 'is a list';
  if (value !== null && typeof value === 'object') return 'is an object';
  if (typeof value === 'string') return `is ${JSON.stringify(shorten(value))}`;
  return `is ${String(value)}`;
}

function shorten(text: string): string {
  const safe = redact(text, MAX_VALUE_CHARS + 1);
  return safe.length > MAX_VALUE_CHARS ? `${safe.slice(0, MAX_VALUE_CHARS)}…` : safe;
}

function describeAllowed(values: readonly string[], input: unknown): string {
  const near = typeof input === 'string' ? findNearest(input, values) : undefined;
  if (near !== undefined) return `did you mean ${near}? Allowed: ${joinAllowed(values)}`;
  return `write one of ${joinAllowed(values)}`;
}

function joinAllowed(values: readonly string[]): string {
  const all = values.join(', ');
  return all.length > MAX_ALLOWED_CHARS ? 'those in /api/docs' : all;
}
