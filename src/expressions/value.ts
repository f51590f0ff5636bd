/** What an expression computes with: the values, the two ways to have none, and the words for both. */

/** JSON, and the two kinds that only functions make. A whole number and a fraction are one kind, as in JSON. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Timestamp
  | Duration
  | readonly Value[]
  | { readonly [key: string]: Value };

export class Timestamp {
  /** Milliseconds since the Unix epoch. */
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

export class Duration {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A field that is needed is not there. Made once, when the condition is compiled. */
export class Missing {
  readonly kind = 'missing';
  readonly fields: readonly string[];
  constructor(fields: readonly string[]) {
    this.fields = fields;
  }
}

/** A value does not do what is asked of it. The message never holds more than a few characters of a value. */
export class Fault {
  readonly kind = 'error';
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** CEL's errors, as values: `&&`, `||`, `all` and `exists` may absorb them, all else hands them on. */
export type Failure = Missing | Fault;
export type Outcome = Value | Failure;

export type Kind = 'bool' | 'number' | 'string' | 'null' | 'list' | 'map' | 'timestamp' | 'duration';

const IN_WORDS: { readonly [kind in Kind]: string } = {
  bool: 'true or false',
  number: 'a number',
  string: 'text',
  null: 'null',
  list: 'a list',
  map: 'an object',
  timestamp: 'a time',
  duration: 'a duration',
};

export function inWords(kinds: readonly Kind[]): string {
  return kinds.map((kind) => IN_WORDS[kind]).join(' or ');
}

export function isFailure(outcome: Outcome): outcome is Failure {
  return outcome instanceof Missing || outcome instanceof Fault;
}

export function kindOf(value: Value): Kind {
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

export function isMap(value: Outcome): value is { readonly [key: string]: Value } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Timestamp || value instanceof Duration || value instanceof Missing || value instanceof Fault)
  );
}

/** Own properties only: a field called `constructor` is there when the JSON had one. */
export function ownField(map: { readonly [key: string]: Value }, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** For a message: `text ("3")`, `a number (5)`. Eight characters are shown whole, of more only four. */
export function describe(value: Value): string {
  if (typeof value === 'string') return `text (${JSON.stringify(shortened(value))})`;
  if (typeof value === 'number') return `a number (${shortened(String(value))})`;
  if (typeof value === 'boolean') return String(value);
  return IN_WORDS[kindOf(value)];
}

/** An address or a secret must not reach a message, so little of a value does. */
function shortened(text: string): string {
  if (text.length <= 8 && !text.includes('@')) return text.toWellFormed();
  return `${text.slice(0, 4).replace(/@.*/s, '').toWellFormed()}…`;
}
