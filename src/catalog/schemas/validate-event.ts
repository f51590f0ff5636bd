import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { findNearest } from '../../lib/did-you-mean.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Json, JsonObject, SchemaViolation, ValidateEvent } from '../../model/event.ts';
import { emittedType } from '../../rules/rule-set.ts';
import { newAjv } from './ajv.ts';
import { unescapePointer } from './schema-size.ts';

/**
 * Compiles the schemas of a catalog once. The function it returns is on the hot path: null when the event fits or nothing is
 * declared about it. Nothing is converted, and an address is never quoted.
 *
 * @param ajv pass one to share it: the first schema in a new Ajv costs a hundred times the next
 */
export function compileSchemas(data: Pick<CatalogData, 'events' | 'traits'>, ajv = newAjv()): ValidateEvent {
  const ofProperties = new Map<string, ValidateFunction>();
  for (const { name, properties } of data.events) {
    if (properties !== undefined) ofProperties.set(name, ajv.compile(properties));
  }
  const ofTraits = data.traits && ajv.compile(data.traits);

  return (type, properties, traits) => {
    const check = ofProperties.get(type);
    if (check !== undefined && !check(properties)) return misfit('properties', properties, check.errors, check.schema);
    if (ofTraits !== undefined && !ofTraits(traits))
      return misfit('user_traits', traits, ofTraits.errors, ofTraits.schema);
    return null;
  };
}

/**
 * The same for what rules make. An event of `emit` says nothing of the person, and one of `set` only what it sets: no trait is
 * required of them.
 */
export function compileMadeSchemas(data: CatalogData, ajv = newAjv()): ValidateEvent {
  const doing = data.rules.flatMap(({ actions }) => actions);
  const made = new Set(doing.flatMap((action) => (action.kind === 'cancel' ? [] : [emittedType(action)])));
  const { required: _, ...traits } = data.traits ?? {};
  const sets = doing.some(({ kind }) => kind === 'set');
  const events = data.events.filter(({ name }) => made.has(name));
  return compileSchemas({ events, ...(sets && { traits }) }, ajv);
}

function misfit(root: string, data: JsonObject, errors: ValidateFunction['errors'], schema: unknown): SchemaViolation {
  // Of a choice between forms the last error speaks for the whole; the ones before it are those of each form.
  const error = errors?.at(-1);
  if (!error) return { path: root, message: 'does not fit its schema' };
  const steps = error.instancePath.split('/').slice(1).map(unescapePointer);
  let value: Json | undefined = data;
  let path = root;
  for (const step of steps) {
    const inList: boolean = Array.isArray(value);
    path += inList ? `[${step}]` : `.${shownKey(step)}`;
    value = child(value, step);
  }
  const params = error.params as { [name: string]: unknown };
  const key = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName;
  if (typeof key === 'string' && error.keyword !== 'dependentRequired') path += `.${shownKey(key)}`;
  return { path, message: message(error, params, value, path, schema) };
}

function message(
  { keyword, message: fallback = 'does not fit' }: ErrorObject,
  params: { [name: string]: unknown },
  value: Json | undefined,
  path: string,
  schema: unknown,
): string {
  const is = `is ${shown(value, path)}`;
  switch (keyword) {
    case 'type':
      return `${is}, ${wanted(params.type)} is needed`;
    case 'required':
      return 'is missing';
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const known = Object.keys((schema as { properties?: object }).properties ?? {});
      const near = findNearest(String(params.additionalProperty ?? params.unevaluatedProperty), known);
      return `is not a key that is allowed here${near ? `; did you mean ${near}?` : ''}`;
    }
    case 'enum':
      return `${is}, one of ${list(params.allowedValues)} is needed`;
    case 'const':
      return `${is}, ${list([params.allowedValue])} is needed`;
    case 'format':
      return `${is}, ${FORMAT_NAMES[String(params.format)] ?? 'another form'} is needed`;
    case 'pattern':
      return `${is}, text that matches ${JSON.stringify(params.pattern)} is needed`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `${is}, ${COMPARISONS[String(params.comparison)]} ${params.limit} is needed`;
    case 'anyOf':
    case 'oneOf':
      return `${is}, which is none of the forms that are allowed here`;
    default:
      return `${is}, but it ${fallback}`;
  }
}

const FORMAT_NAMES: { readonly [format: string]: string } = {
  'date-time': 'a date and time with a zone (2025-10-31T19:00:00Z)',
  date: 'a date (2025-10-31)',
  time: 'a time with a zone (19:00:00Z)',
  email: 'an e-mail address',
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

function wanted(types: unknown): string {
  const names = (Array.isArray(types) ? types : String(types).split(',')).map(
    (type) => TYPE_NAMES[type] ?? String(type),
  );
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function list(values: unknown): string {
  const all = Array.isArray(values) ? values : [];
  const some = all.slice(0, 8).map((value) => short(JSON.stringify(value)));
  return all.length > some.length ? `${some.join(', ')}, …` : some.join(', ');
}

/** What a value is, and the value itself where it cannot be somebody's address or secret. */
function shown(value: Json | undefined, path: string): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const isPrivate = PRIVATE_KEY.test(path) || (typeof value !== 'boolean' && PRIVATE_VALUE.test(String(value)));
  if (typeof value === 'boolean') return String(value);
  const kind = typeof value === 'string' ? 'text' : 'the number';
  if (isPrivate) return typeof value === 'string' ? 'text' : 'a number';
  return kind === 'text' ? `text (${short(JSON.stringify(value))})` : `the number ${value}`;
}

const PRIVATE_KEY =
  /mail|phone|mobile|tel|fax|address|street|post_?code|zip|token|secret|passw|iban|card|account_?n|ssn|birth/i;
// An at sign, or as many digits as a telephone number has.
const PRIVATE_VALUE = /@|(?:\d[\s().+-]*){7}/;

function shownKey(key: string): string {
  return PRIVATE_VALUE.test(key) ? '…' : short(key.replace(/\p{Cc}/gu, '\uFFFD'));
}

function short(text: string): string {
  return text.length <= 40 ? text.toWellFormed() : `${text.slice(0, 39).toWellFormed()}…`;
}

function child(value: Json | undefined, step: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(step)];
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? value[step] : undefined;
}
