import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { type ProblemPart, TidingsError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { formatCount } from '../lib/text/format-count.ts';
import { toJsonPointer } from '../lib/text/json-pointer.ts';
import { JSON_TYPE_NAMES } from '../lib/text/json-types.ts';
import { redact } from '../privacy/mask.ts';

/** Longest value and list of allowed values in a message, in characters. */
const MAX_VALUE_CHARS = 60;
const MAX_ALLOWED_CHARS = 300;

/** Message of the library for a check without one of its own. */
const LIBRARY_MESSAGE = 'Invalid input';

/** Errors that a problem document lists, at most; the first ones. */
const MAX_ERRORS = 20;

type Issue = z.core.$ZodIssue;
type Parse = (value: unknown) => { value: unknown } | { error: TidingsError };

/**
 * Compiles the schema of a part of a request (path, query, body). A value that does not fit is an `invalid_request` that names
 * the field, what was given and what would be right; a value that may be a secret is not shown. A message of a schema's own
 * goes on after the name of the field: `write …` says what would be right, `is …`, `has …` or `cannot …` what is wrong. The
 * texts of the library are not shown.
 */
export const compileRequestSchema: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }): Parse =>
  (value) => {
    const parsed = z.safeParse(schema, value);
    if (parsed.success) return { value: parsed.data };
    const isBody = httpPart === 'body';
    const errors = parsed.error.issues
      .flatMap((issue) => toParts(issue, schema, value, isBody))
      // The first of a value: what follows from it is not shown.
      .filter(({ pointer }, index, all) => all.findIndex((one) => one.pointer === pointer) === index)
      .slice(0, MAX_ERRORS);
    const detail = errors[0]?.message ?? 'The request is not valid; see /api/docs.';
    return { error: new TidingsError('invalid_request', detail, { errors }) };
  };

/** Returns what is wrong with one value, or with each unknown name of an object. */
function toParts(issue: Issue, schema: z.ZodType, value: unknown, isBody: boolean): ProblemPart[] {
  if (issue.code === 'unrecognized_keys') return toUnknownNames(issue, schema, value, isBody);
  const option = issue.code === 'invalid_union' ? findMeant(issue, getGiven(value, issue.path)) : undefined;
  if (option) return toParts({ ...option, path: [...issue.path, ...option.path] }, schema, value, isBody);
  // The place of a name is the object that has it.
  const path = issue.code === 'invalid_key' ? issue.path.slice(0, -1) : issue.path;
  const given = getGiven(value, issue.path);
  const { wrong, right } =
    issue.code === 'invalid_union' && issue.discriminator !== undefined
      ? { wrong: describeGiven(given), right: describeAllowed(getDiscriminators(schema, issue.path, value), given) }
      : describeIssue(issue, given, mayBeSecret(issue.path));
  const where = path.join('.') || 'The body';
  // A fault of several fields of an object together.
  const isTogether = isOwnMessage(issue) && typeof given === 'object' && given !== null;
  const message = isTogether ? `${where}: ${issue.message}.` : `${where} ${wrong}${right ? `; ${right}` : ''}.`;
  return [{ pointer: toPointer(path, isBody), message }];
}

/** Whether a schema says by itself what would be right. */
function isOwnMessage({ code, message }: Issue): boolean {
  return (code === 'custom' || code === 'invalid_union') && message.startsWith('write ');
}

/**
 * Returns the issue of the option of a union that the value was probably meant for: one in which only values are wrong; else the first,
 * unless the union says by itself what would be right.
 */
function findMeant(issue: Extract<Issue, { code: 'invalid_union' }>, given: unknown): Issue | undefined {
  const isOfValue = ({ code, path }: Issue) =>
    code !== 'unrecognized_keys' && path.length > 0 && getGiven(given, path) !== undefined;
  const meant = issue.errors.find((issues) => issues.length > 0 && issues.every(isOfValue));
  if (meant) return meant[0];
  return isOwnMessage(issue) ? undefined : issue.errors[0]?.[0];
}

function toPointer(path: Issue['path'], isBody: boolean): string {
  return isBody ? toJsonPointer(path) : path.map(String).join('.');
}

/** Returns what the caller wrote at a path; the library knows only what it made of a text. */
function getGiven(value: unknown, path: Issue['path']): unknown {
  return path.reduce<unknown>(
    (part, name) => (part as { readonly [name: PropertyKey]: unknown } | null)?.[name],
    value,
  );
}

function toUnknownNames(
  { keys, path }: Extract<Issue, { code: 'unrecognized_keys' }>,
  schema: z.ZodType,
  value: unknown,
  isBody: boolean,
): ProblemPart[] {
  const known = getKnownNames(schema, path, value);
  const where = path.length > 0 ? path.join('.') : 'this route';
  return keys.slice(0, MAX_ERRORS).map((name) => {
    const near = findNearest(name, known);
    const right = near === undefined ? 'see /api/docs.' : `did you mean ${near}?`;
    const message = `${JSON.stringify(shorten(name))} is not a ${isBody ? 'field' : 'parameter'} of ${where}; ${right}`;
    return { pointer: toPointer([...path, name], isBody), message };
  });
}

/** Returns the names that the object at a path may have; empty: they are not known. */
function getKnownNames(schema: z.core.$ZodType, path: Issue['path'], value: unknown): readonly string[] {
  const inner = unwrap(schema, value);
  const [name, ...rest] = path;
  if (name === undefined) return listNames(inner);
  const next = getPart(inner, name);
  return next === undefined
    ? []
    : getKnownNames(next, rest, (value as { readonly [name: PropertyKey]: unknown })[name]);
}

function listNames(schema: z.core.$ZodType): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (!(schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum)) return [];
  return schema.keyType.options.map(String);
}

/** Returns the schema of a field of an object, a value of a record, or an item of a list. */
function getPart(schema: z.core.$ZodType, name: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodRecord) return schema.valueType;
  if (schema instanceof z.ZodArray) return schema.element;
  if (!(schema instanceof z.ZodObject)) return undefined;
  return (schema.shape as { readonly [name: PropertyKey]: z.core.$ZodType | undefined })[name];
}

/** Returns the values that select one of the schemas of a union, by the path of the field that selects it. */
function getDiscriminators(schema: z.core.$ZodType, path: Issue['path'], value: unknown): readonly string[] {
  const [name, ...rest] = path;
  if (!(schema instanceof z.ZodDiscriminatedUnion)) {
    const inner = unwrap(schema, value);
    if (!(inner instanceof z.ZodObject) || name === undefined) return [];
    const next = (inner.shape as { readonly [name: PropertyKey]: z.core.$ZodType | undefined })[name];
    return next === undefined
      ? []
      : getDiscriminators(next, rest, (value as { readonly [name: PropertyKey]: unknown })[name]);
  }
  return schema.options.flatMap((option) => {
    const selector = option instanceof z.ZodObject ? option.shape[schema.def.discriminator] : undefined;
    return selector instanceof z.ZodLiteral ? [...selector.values].map(String) : [];
  });
}

/** Returns the schema inside optional and default ones, and of a union the one that the discriminator of the value selects. */
function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable
  ) {
    return unwrap(schema.unwrap(), value);
  }
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const { discriminator } = schema.def;
  const selected = (value as { readonly [name: string]: unknown } | null)?.[discriminator];
  const option = schema.options.find(
    (one) => one instanceof z.ZodObject && z.safeParse(one.shape[discriminator], selected).success,
  );
  return option ?? schema;
}

/** Returns what is wrong, as `is "lost"`, and what would be right, as `write true or false`. */
function describeIssue(
  issue: Issue,
  input: unknown,
  isSecret: boolean,
): { readonly wrong: string; readonly right?: string } {
  const { message } = issue;
  const given = isSecret && typeof input === 'string' && input !== '' ? 'is a text' : describeGiven(input);
  if (message.startsWith('write ')) return { wrong: given, right: message };
  switch (issue.code) {
    case 'invalid_value':
      return { wrong: given, right: describeAllowed(issue.values.map(String), input) };
    case 'invalid_type':
      return { wrong: given, right: `write ${JSON_TYPE_NAMES[issue.expected] ?? 'what /api/docs shows'}` };
    case 'too_small':
      if (issue.origin === 'string') {
        const least = Number(issue.minimum);
        if (input === '' || least <= 1)
          return { wrong: 'is empty', right: `write at least ${formatCount(least, 'character')}` };
        return { wrong: 'is too short', right: `write at least ${formatCount(least, 'character')}` };
      }
      if (issue.origin === 'array') {
        return { wrong: 'has too few items', right: `write at least ${issue.minimum}` };
      }
      return { wrong: given, right: `write a number that is at least ${issue.minimum}` };
    case 'too_big':
      if (issue.origin === 'string') {
        return { wrong: 'is too long', right: `write at most ${issue.maximum} characters` };
      }
      if (issue.origin === 'array') {
        return { wrong: 'has too many items', right: `write at most ${issue.maximum}` };
      }
      return { wrong: given, right: `write a number that is at most ${issue.maximum}` };
    case 'invalid_format':
      return issue.format === 'uuid'
        ? { wrong: given, right: 'write an id, which is a UUID' }
        : { wrong: 'is not valid', right: 'see /api/docs' };
    case 'invalid_key':
      return { wrong: 'has a name that is empty or too long', right: 'write a name of 1 to 512 characters' };
    case 'custom':
      return message === LIBRARY_MESSAGE ? { wrong: 'is not valid', right: 'see /api/docs' } : { wrong: message };
    default:
      return { wrong: 'is not valid', right: 'see /api/docs' };
  }
}

/** Names of fields with secrets, and of those whose values may hold some. */
const SECRET_NAME = /^(?:settings|headers)$|secret|token|password|credential/i;

function mayBeSecret(path: Issue['path']): boolean {
  return path.some((name) => SECRET_NAME.test(String(name)));
}

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
