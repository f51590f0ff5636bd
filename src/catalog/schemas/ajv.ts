import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { RE2JS } from 're2js';

/** Formats a schema may ask for: those that are checked in linear time or on short text. */
export const FORMATS = ['date-time', 'date', 'time', 'email', 'hostname', 'uri', 'uuid', 'ipv4', 'ipv6'] as const;

// Longer text has no such format, and takes too long to be sure of it.
const LONGEST_FORMATTED = 2048;
const LONGEST_MATCHED = 10_000;
/** In RE2 instructions, as for `matches` of conditions. */
const LARGEST_PATTERN = 1000;

/**
 * An Ajv that cannot be made to hang, to load anything, or to change what it checks. Values are never converted; keys that
 * a schema does not name are allowed, as JSON Schema has it.
 */
export function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({
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
    const matches = matcher(format);
    ajv.addFormat(name, (text: string) => text.length <= LONGEST_FORMATTED && matches(text));
  }
  return ajv;
}

/**
 * A pattern on RE2: its time is linear in the text, times the size of the pattern.
 * @throws on a pattern that RE2 does not know, e.g. look-ahead, and on one that is too large
 */
export function linearRegExp(pattern: string): RegExp {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  if (compiled.programSize() > LARGEST_PATTERN)
    throw new Error('the pattern is too large; write it with fewer repetitions');
  const test = (text: string) => text.length <= LONGEST_MATCHED && compiled.test(text);
  // Ajv calls `test` and, for its cache, `toString`; nothing else of RegExp.
  return { test, toString: () => `/${pattern}/` } as unknown as RegExp;
}

function matcher(format: Exclude<(typeof fullFormats)[keyof typeof fullFormats], boolean>): (text: string) => boolean {
  if (format instanceof RegExp) return (text) => format.test(text);
  const validate = typeof format === 'function' ? format : (format as { validate: unknown }).validate;
  if (validate instanceof RegExp) return (text) => validate.test(text);
  return validate as (text: string) => boolean;
}
