import { TidingsError } from '../errors.ts';
import type { Rejection } from '../events/envelope.ts';
import { compileExpression, type Expression } from '../expressions/condition.ts';
import type { Json, JsonObject } from '../model/event.ts';
import type { Computed } from '../model/job.ts';
import { maskDocument } from '../privacy/mask.ts';
import { applyMergePatch } from './merge-patch.ts';

/** Fields that a correction computes, at most. */
const MAX_COMPUTED_FIELDS = 20;
/** Steps of a path, at most. */
const MAX_STEPS = 16;
const MAX_EXPRESSION_CHARS = 2000;

/** Changes of rejected events before they are ingested again. */
export interface Correction {
  /** A JSON merge patch (RFC 7396); null: none. */
  readonly patch: JsonObject | null;
  /** Values that depend on the event as it was received; absent or null: none. */
  readonly compute?: Computed | null;
}

/** Returns a corrected item; or why a value of it cannot be computed. */
export type Correct = (item: unknown) => { readonly item: unknown } | { readonly rejection: Rejection };

/** Variables of an expression: `event` and `traits` as in rules, and `message`, the whole event as it was received. */
const DECLARED = { roots: ['event', 'traits', 'message'], message: {} } as const;

/**
 * Compiles a correction. @throws TidingsError `invalid_request` with each problem of an expression, or if it names an address, which
 * it would give to every event
 */
export function compileCorrection({ patch, compute = null }: Correction): Correct {
  rejectAddresses('/patch', patch);
  rejectAddresses('/compute', compute);
  const fields = Object.entries(compute ?? {});
  if (fields.length > MAX_COMPUTED_FIELDS) throw wrong('/compute', `has more than ${MAX_COMPUTED_FIELDS} fields.`);
  const compiled = fields.map(([path, text]) => ({ path, steps: toSteps(path), expression: compile(path, text) }));
  return (item) => {
    const scope = {
      event: getObject(item, 'properties'),
      traits: getObject(item, 'user_traits'),
      user: {},
      message: toObject(item),
    };
    let corrected = patch ? applyMergePatch(item, patch) : item;
    for (const { path, steps, expression } of compiled) {
      const result = expression.evaluate(scope);
      if (result.kind !== 'value') {
        const why = result.kind === 'missing' ? `${result.fields.join(', ')} is missing` : result.message;
        return { rejection: { code: 'invalid_event', path, message: `${path} cannot be computed: ${why}` } };
      }
      corrected = withValue(corrected, steps, result.value);
    }
    return { item: corrected };
  };
}

function rejectAddresses(pointer: string, document: JsonObject | Computed | null): void {
  if (!document || maskDocument(document as JsonObject) === document) return;
  const what = pointer === '/patch' ? 'The patch' : 'An expression';
  throw wrong(pointer, `${what} has an address, and would give it to every event. Correct such events one by one.`);
}

function compile(path: string, text: string): Expression {
  const pointer = `/compute/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (text.length > MAX_EXPRESSION_CHARS) throw wrong(pointer, `has more than ${MAX_EXPRESSION_CHARS} characters.`);
  const compiled = compileExpression(text, DECLARED);
  if (!('problems' in compiled)) return compiled.expression;
  const [first] = compiled.problems;
  throw wrong(pointer, `${path}: ${first?.message}${first?.hint === undefined ? '' : `, ${first.hint}`}.`);
}

function toSteps(path: string): readonly string[] {
  const steps = path.split('.');
  if (steps.length <= MAX_STEPS && steps.every((step) => step !== '')) return steps;
  throw wrong('/compute', 'names each field by its path, such as properties.amount.');
}

function wrong(pointer: string, message: string): TidingsError {
  return new TidingsError('invalid_request', message, { pointer });
}

/** Returns a copy of a value with another at a path; what is no object on the way becomes one. */
function withValue(value: unknown, [step, ...rest]: readonly string[], given: Json): unknown {
  if (step === undefined) return given;
  const fields = new Map<string, unknown>(Object.entries(toObject(value)));
  fields.set(step, withValue(fields.get(step), rest, given));
  return Object.fromEntries(fields);
}

/** Returns the value at a path; undefined: it has no such value. */
export function getAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((at: unknown, step) => (Object.hasOwn(toObject(at), step) ? toObject(at)[step] : undefined), value);
}

function getObject(item: unknown, name: string): JsonObject {
  return toObject(toObject(item)[name]);
}

function toObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
