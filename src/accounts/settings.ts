import { z } from 'zod';
import type { ProviderDefinition } from '../channels/provider.ts';
import { listSecrets } from '../channels/secret-setting.ts';
import type { ProblemPart } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { toJsonPointer } from '../lib/text/json-pointer.ts';
import { JSON_TYPE_NAMES } from '../lib/text/json-types.ts';
import type { Json, JsonObject } from '../model/event.ts';

/** Errors that are listed, at most; the first ones. */
const MAX_FAULTS = 20;

type Issue = z.core.$ZodIssue;

/**
 * Returns what is wrong with the settings of an account, each with its place; empty: they are valid. A value is never quoted: it
 * may be a secret in the wrong place.
 * @param base path of the settings in the document that has them
 */
export function findSettingsFaults(
  { settings: schema }: ProviderDefinition,
  settings: JsonObject,
  base: readonly string[],
): ProblemPart[] {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return [];
  return parsed.error.issues
    .flatMap((issue) => toParts(issue, schema, settings, base))
    .filter(({ pointer }, index, all) => all.findIndex((one) => one.pointer === pointer) === index)
    .slice(0, MAX_FAULTS);
}

/** Returns settings and secrets apart. */
export function splitSettings(
  { settings: schema }: ProviderDefinition,
  written: JsonObject,
): { readonly settings: JsonObject; readonly secrets: JsonObject } {
  const names = new Set(listSecrets(schema));
  const pick = (isSecret: boolean) =>
    Object.fromEntries(Object.entries(written).filter(([name]) => names.has(name) === isSecret));
  return { settings: pick(false), secrets: pick(true) };
}

function toParts(issue: Issue, schema: z.ZodType, settings: JsonObject, base: readonly string[]): ProblemPart[] {
  const where = (path: readonly PropertyKey[]) => [...base, ...path].join('.') || 'settings';
  if (issue.code === 'unrecognized_keys') {
    const known =
      issue.path.length === 0 && schema instanceof z.ZodObject
        ? Object.keys(schema.shape as Record<string, unknown>)
        : [];
    return issue.keys.slice(0, MAX_FAULTS).map((name) => {
      const near = findNearest(name, known);
      const right = near === undefined ? 'see the page of the provider' : `did you mean ${near}?`;
      const path = [...issue.path, name];
      return {
        pointer: toJsonPointer([...base, ...path]),
        message: `${where(path)} is not a setting of this provider; ${right}`.replace(/([^?])$/, '$1.'),
      };
    });
  }
  if (issue.code === 'invalid_union' && issue.errors[0]?.[0]) {
    const [first] = issue.errors[0];
    return toParts({ ...first, path: [...issue.path, ...first.path] }, schema, settings, base);
  }
  if (issue.code === 'invalid_key' && issue.issues[0]) {
    const [first] = issue.issues;
    return [
      {
        pointer: toJsonPointer([...base, ...issue.path]),
        message: `${where(issue.path)}: this name ${describeIssue(first, undefined)}.`,
      },
    ];
  }
  const given = issue.path.reduce<Json | undefined>(
    (part, name) => (part as { readonly [name: PropertyKey]: Json } | null | undefined)?.[name],
    settings,
  );
  const message = `${where(issue.path)} ${describeIssue(issue, given)}.`;
  return [{ pointer: toJsonPointer([...base, ...issue.path]), message }];
}

/** Texts of the library; every other text is of a definition, which says what would be right. */
const LIBRARY_TEXT = /^(?:Invalid|Too |Unrecognized)/;

function describeIssue(issue: Issue, given: Json | undefined): string {
  const text = issue.message.replace(/\.$/, '');
  if (issue.code === 'invalid_type') {
    const right = `${JSON_TYPE_NAMES[issue.expected] ?? `of the type ${issue.expected}`}`;
    return given === undefined ? `is missing; write ${right}` : `must be ${right}`;
  }
  if (!LIBRARY_TEXT.test(text)) return /^must /.test(text) ? text : `is not valid: ${text}`;
  switch (issue.code) {
    case 'too_small':
      return issue.origin === 'string'
        ? `must have at least ${issue.minimum} characters`
        : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.format === 'email'
        ? 'must be an email address'
        : 'does not have the right form; see the page of the provider';
    default:
      return 'is not valid; see the page of the provider';
  }
}
