import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { joinWords } from '../../lib/text/join-words.ts';
import { truncateText } from '../../lib/text/truncate-text.ts';
import type { Json, JsonObject, SchemaViolation } from '../../model/event.ts';
import { unescapePointer } from './schema-size.ts';

/**
 * Returns the violation that the last call of `validate` found in `data`. The message never quotes an address or a secret.
 *
 * @param root the first step of the path: `properties` or `user_traits`
 */
export function toViolation(root: string, data: JsonObject, { errors, schema }: ValidateFunction): SchemaViolation {
  // After a choice between forms (anyOf, oneOf) the last error is about the whole choice, those before it about each form.
  const error = errors?.at(-1);
  if (!error) return { path: root, message: 'does not fit its schema' };
  const steps = error.instancePath.split('/').slice(1).map(unescapePointer);
  let value: Json | undefined = data;
  let path = root;
  for (const step of steps) {
    const inList: boolean = Array.isArray(value);
    path += inList ? `[${step}]` : `.${formatKey(step)}`;
    value = getChild(value, step);
  }
  const params = error.params as { [name: string]: unknown };
  const key = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName;
  if (typeof key === 'string' && error.keyword !== 'dependentRequired') path += `.${formatKey(key)}`;
  return { path, message: formatMessage(error, params, value, path, schema) };
}

function formatMessage(
  { keyword, message: fallback = 'does not fit' }: ErrorObject,
  params: { [name: string]: unknown },
  value: Json | undefined,
  path: string,
  schema: unknown,
): string {
  const is = `is ${formatValue(value, path)}`;
  switch (keyword) {
    case 'type':
      return `${is}, but must be ${formatTypes(params.type)}`;
    case 'required':
      return 'is missing';
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const known = Object.keys((schema as { properties?: object }).properties ?? {});
      const near = findNearest(String(params.additionalProperty ?? params.unevaluatedProperty), known);
      return `is not a key that is allowed here${near ? `; did you mean ${near}?` : ''}`;
    }
    case 'enum':
      return `${is}, but must be one of ${formatList(params.allowedValues)}`;
    case 'const':
      return `${is}, but must be ${formatList([params.allowedValue])}`;
    case 'format':
      return `${is}, but must be ${FORMAT_NAMES[String(params.format)] ?? 'of another format'}`;
    case 'pattern':
      return `${is}, but must match ${JSON.stringify(params.pattern)}`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `${is}, but must be ${COMPARISONS[String(params.comparison)]} ${params.limit}`;
    case 'anyOf':
    case 'oneOf':
      return `${is}, which fits none of the allowed forms`;
    default:
      return `${is}, but ${fallback}`;
  }
}

const FORMAT_NAMES: { readonly [format: string]: string } = {
  'date-time': 'a date and time with a zone (2025-10-31T19:00:00Z)',
  date: 'a date (2025-10-31)',
  time: 'a time with a zone (19:00:00Z)',
  email: 'an email address',
  hostname: 'a host name',
  uri: 'a URI',
  uuid: 'a UUID',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
};

const COMPARISONS: { readonly [sign: string]: string } = {
  '>=': 'at least',
  '<=': 'at most',
  '>': 'more than',
  '<': 'less than',
};

const TYPE_NAMES: { readonly [type: string]: string } = {
  string: 'text',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};

function formatTypes(types: unknown): string {
  const names = (Array.isArray(types) ? types : String(types).split(',')).map(
    (type) => TYPE_NAMES[type] ?? String(type),
  );
  return joinWords(names, 'or');
}

const MAX_LISTED_VALUES = 8;

function formatList(values: unknown): string {
  const all = Array.isArray(values) ? values : [];
  const some = all.slice(0, MAX_LISTED_VALUES).map((value) => truncate(JSON.stringify(value)));
  return all.length > some.length ? `${some.join(', ')}, …` : some.join(', ');
}

/** Describes a value by its type, and quotes it if it cannot be an address or a secret of the user. */
function formatValue(value: Json | undefined, path: string): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'boolean') return String(value);
  const isPrivate = PRIVATE_KEY.test(path) || PRIVATE_VALUE.test(String(value));
  if (isPrivate) return typeof value === 'string' ? 'text' : 'a number';
  return typeof value === 'string' ? `text (${truncate(JSON.stringify(value))})` : `the number ${value}`;
}

const PRIVATE_KEY =
  /mail|phone|mobile|tel|fax|address|street|post_?code|zip|token|secret|passw|iban|card|account_?n|ssn|birth/i;
/** An at sign, or as many digits as a telephone number has. */
const PRIVATE_VALUE = /@|(?:\d[\s().+-]*){7}/;

function formatKey(key: string): string {
  return PRIVATE_VALUE.test(key) ? '…' : truncate(key.replace(/\p{Cc}/gu, '\uFFFD'));
}

const MAX_QUOTED_CHARS = 40;

function truncate(text: string): string {
  return truncateText(text, MAX_QUOTED_CHARS);
}

function getChild(value: Json | undefined, step: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(step)];
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? value[step] : undefined;
}
