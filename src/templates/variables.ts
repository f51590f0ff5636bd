import type { Variable, Variables } from '../model/catalog.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { isBlankText } from './blank.ts';

/** Variables of every template, which the settings of the tenant and the profile of the user fill. */
export const COMMON_VARIABLES = [
  ...(['user_name', 'user_email', 'app_name', 'frontend_url', 'support_email'] as const),
  ...(['legal_name', 'postal_address', 'unsubscribe_url', 'preferences_url', 'confirm_url'] as const),
] as const;

/** Why the variables of a notification cannot be used. The message names the variable and its type, never its value. */
export interface VariableProblem {
  readonly code: 'variable_missing' | 'variable_invalid';
  readonly name: string;
  /** One clause: `variable_missing: amount`, or `variable_invalid: amount is text, and must be a number`. */
  readonly message: string;
}

/**
 * Checks the variables that a rule or a direct send gives for a notification. A missing one with a default is filled in; null
 * counts as missing, and so does a blank text for one that is required. Variables that are not declared pass through.
 *
 * @param type the notification type, or any declarations
 * @returns the values with the defaults, or every problem in the order of the names. Never throws
 */
export function checkVariables(
  { variables = NONE }: { readonly variables?: Variables },
  given: JsonObject,
): { readonly values: JsonObject } | { readonly problems: readonly VariableProblem[] } {
  const problems: VariableProblem[] = [];
  const defaults: [string, Json][] = [];
  for (const [name, variable] of Object.entries(variables)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const isMissing = value === undefined || value === null || (variable.required && isBlank(value));
    if (isMissing && variable.default !== undefined) defaults.push([name, variable.default]);
    else if (isMissing && variable.required) {
      problems.push({ code: 'variable_missing', name, message: `variable_missing: ${name}` });
    } else if (!isMissing) {
      const why = explainWrongType(variable, value);
      if (why) problems.push({ code: 'variable_invalid', name, message: `variable_invalid: ${name} ${why}` });
    }
  }
  // By name: the order of a stored catalog is no order of its author.
  if (problems.length > 0) return { problems: problems.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  return { values: defaults.length === 0 ? given : { ...given, ...Object.fromEntries(defaults) } };
}

const NONE: Variables = {};

function isBlank(value: Json): boolean {
  return typeof value === 'string' && isBlankText(value);
}

/** Returns why a value is not of the declared type; undefined if it is. */
export function explainWrongType({ type }: Variable, value: Json): string | undefined {
  if (type === undefined || isOfType(type, value)) return undefined;
  return `is ${describeKind(value)}, and must be ${TYPE_NAMES[type]}`;
}

function isOfType(type: NonNullable<Variable['type']>, value: Json): boolean {
  switch (type) {
    case 'list':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'date':
      return typeof value === 'string' && value.length <= 40 && DATE.test(value) && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === type;
  }
}

const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/i;

const TYPE_NAMES: { readonly [type in NonNullable<Variable['type']>]: string } = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  date: 'a date such as 2025-11-20, or 2025-11-20T09:00:00Z',
  object: 'an object',
  list: 'a list',
};

function describeKind(value: Json): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : 'true or false';
}
