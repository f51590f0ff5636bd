/* Values of expressions, the two kinds of failure, and their names in messages. */
import { joinWords } from '../lib/text/join-words.ts';
import { sliceStart } from '../lib/text/truncate-text.ts';
import { isAddressName, maskText } from '../privacy/mask.ts';

/** JSON values, and the two kinds that only functions produce. Integers and fractions are one kind, as in JSON. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Timestamp
  | Duration
  | readonly Value[]
  | { readonly [key: string]: Value };

/** A point in time. */
export class Timestamp {
  /** Milliseconds since the Unix epoch. */
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A length of time; negative if it points back. */
export class Duration {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A failure because a field is missing. Created once, at compile time. */
export class Missing {
  readonly kind = 'missing';
  readonly fields: readonly string[];
  constructor(fields: readonly string[]) {
    this.fields = fields;
  }
}

/** A failure because a value cannot be used as the expression requires. The message holds at most a few characters of it. */
export class Fault {
  readonly kind = 'error';
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** CEL errors as values. `&&`, `||`, `all` and `exists` may absorb them; every other operation passes them on. */
export type Failure = Missing | Fault;
export type EvaluationOutcome = Value | Failure;

export type Kind = 'bool' | 'number' | 'string' | 'null' | 'list' | 'map' | 'timestamp' | 'duration';

const KIND_NAMES: { readonly [kind in Kind]: string } = {
  bool: 'true or false',
  number: 'a number',
  string: 'text',
  null: 'null',
  list: 'a list',
  map: 'an object',
  timestamp: 'a time',
  duration: 'a duration',
};

export function describeKinds(kinds: readonly Kind[]): string {
  return joinWords(
    kinds.map((kind) => KIND_NAMES[kind]),
    'or',
  );
}

export function isFailure(outcome: EvaluationOutcome): outcome is Failure {
  return outcome instanceof Missing || outcome instanceof Fault;
}

export function getKind(value: Value): Kind {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    default:
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'list';
      if (value instanceof Timestamp) return 'timestamp';
      return value instanceof Duration ? 'duration' : 'map';
  }
}

export function isMap(value: EvaluationOutcome): value is { readonly [key: string]: Value } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Timestamp || value instanceof Duration || value instanceof Missing || value instanceof Fault)
  );
}

/** Returns an own property: a field named `constructor` exists only if the JSON has one. */
export function getOwnField(map: { readonly [key: string]: Value }, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/**
 * Describes a value for a message: `text ("3")`, `a number (5)`. Shows up to eight characters; of a longer text four; nothing
 * of an address.
 * @param label the expression of the value; the name of its last field may say that it is an address
 */
export function describeValue(value: Value, label = ''): string {
  const name = /[\w-]*(?=["'\]\d[]*$)/.exec(label)?.[0] ?? '';
  if ((typeof value === 'string' || typeof value === 'number') && isAddressName(name, value)) {
    return KIND_NAMES[getKind(value)];
  }
  if (typeof value === 'string') return `text (${JSON.stringify(abbreviateText(value))})`;
  if (typeof value === 'number') return `a number (${abbreviateText(String(value))})`;
  if (typeof value === 'boolean') return String(value);
  return KIND_NAMES[getKind(value)];
}

/** Returns the whole text if it is short, else its first four characters, so that no address or secret can reach a message. */
function abbreviateText(whole: string): string {
  const text = maskText(whole.slice(0, 1000));
  if (text.length <= 8 && !/[@%]/.test(text)) return text.toWellFormed();
  return `${sliceStart(text, 4).replace(/@.*/s, '')}…`;
}
