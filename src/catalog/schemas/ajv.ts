import { Ajv2020, type Options } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { RE2JS } from 're2js';

/** Supported values of `format`: formats that are checked in linear time, or on short text. */
export const FORMATS = ['date-time', 'date', 'time', 'email', 'hostname', 'uri', 'uuid', 'ipv4', 'ipv6'] as const;

/** Longer text never fits a format: checking it could take too long. */
const MAX_FORMAT_CHARS = 2048;
/** Longer text never fits a pattern. */
const MAX_PATTERN_TEXT_CHARS = 10_000;
/** The same bound as for `matches` in conditions. */
const MAX_PATTERN_INSTRUCTIONS = 1000;

/**
 * Creates an Ajv for schemas of users that were checked before: it takes bounded time, loads nothing, and does not change the
 * values that it checks. Values are never converted. Properties that a schema does not name are allowed, as in JSON Schema.
 */
export function newAjv(): Ajv2020 {
  return createAjv({ meta: false, validateSchema: false });
}

/** Creates an Ajv that checks schemas as well: its first check takes a third of a second, in which it compiles the meta-schema. */
export function newCheckingAjv(): Ajv2020 {
  return createAjv({});
}

function createAjv(options: Options): Ajv2020 {
  const ajv = new Ajv2020({
    ...options,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allErrors: false,
    ownProperties: true,
    messages: true,
    logger: false,
    addUsedSchema: false,
    code: { regExp: Object.assign(linearRegExp, { code: 'linearRegExp' }) },
  });
  for (const name of FORMATS) {
    const format = fullFormats[name];
    if (format === undefined || typeof format === 'boolean') continue;
    const matches = toMatcher(format);
    ajv.addFormat(name, (text: string) => text.length <= MAX_FORMAT_CHARS && matches(text));
  }
  return ajv;
}

/**
 * Compiles a pattern with RE2. A match takes time linear in the length of the text times the size of the pattern. The
 * result has only the methods of RegExp that Ajv uses.
 *
 * @throws Error for syntax that RE2 does not support, such as look-ahead, and for a pattern that is too large
 */
export function linearRegExp(pattern: string): RegExp {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  if (compiled.programSize() > MAX_PATTERN_INSTRUCTIONS) {
    throw new Error('the pattern is too large; write it with fewer repetitions');
  }
  const test = (text: string) => text.length <= MAX_PATTERN_TEXT_CHARS && compiled.test(text);
  // Ajv calls `test` and, for its cache, `toString`.
  return { test, toString: () => `/${pattern}/` } as unknown as RegExp;
}

type Format = Exclude<(typeof fullFormats)[keyof typeof fullFormats], boolean>;

function toMatcher(format: Format): (text: string) => boolean {
  if (format instanceof RegExp) return (text) => format.test(text);
  const validate = typeof format === 'function' ? format : (format as { validate: unknown }).validate;
  if (validate instanceof RegExp) return (text) => validate.test(text);
  return validate as (text: string) => boolean;
}
