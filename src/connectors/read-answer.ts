import { parsePath, readPath } from '../events/envelopes/path.ts';
import { compileExpression } from '../expressions/condition.ts';
import type { AnswerList, AnswerValue } from '../model/connector.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { CallFailure } from './call-failure.ts';

/** Items of a list of an answer, at most. */
const MAX_ITEMS = 200;

type Read = (answer: JsonObject) => Json | undefined;

/** Readers by the place of the catalog that they are made from, which lives as long as its version: each is compiled once. */
const readers = new WeakMap<AnswerValue, Read>();

/** Returns a value of an answer; undefined: it lacks one, or the expression fails. */
export function readValue(answer: JsonObject, value: AnswerValue): Json | undefined {
  const read = readers.get(value) ?? compileReader(value);
  readers.set(value, read);
  return read(answer);
}

function compileReader(value: AnswerValue): Read {
  if ('from' in value) {
    const paths = value.from.flatMap((path) => {
      const parsed = parsePath(path);
      return 'steps' in parsed ? [parsed.steps] : [];
    });
    return (answer) => {
      for (const steps of paths) {
        const found = readPath(answer, steps);
        if (found !== undefined && found !== null) return found;
      }
      return undefined;
    };
  }
  const compiled = compileExpression(value.cel, { roots: ['event'] });
  if ('problems' in compiled) return () => undefined;
  return (answer) => {
    const result = compiled.expression.evaluate({ event: answer, traits: {}, user: {} });
    return result.kind === 'value' && result.value !== null ? result.value : undefined;
  };
}

/**
 * Returns the items of a list of an answer, each with its values; an item that is not an object lacks them.
 * @throws CallFailure `answer_invalid`: what should be the list is not one, or too long
 */
export function readList<Field extends string>(
  answer: JsonObject,
  { list, fields }: AnswerList<Field>,
): { readonly [field in Field]?: Json | undefined }[] {
  const items = readValue(answer, list) ?? [];
  if (!Array.isArray(items) || items.length > MAX_ITEMS) {
    throw new CallFailure(
      'answer_invalid',
      `The answer has no list of at most ${MAX_ITEMS} items where one should be.`,
    );
  }
  return items.map((item) => {
    const one = typeof item === 'object' && item !== null && !Array.isArray(item) ? item : {};
    const values = Object.entries(fields).map(([name, value]) => [name, readValue(one, value as AnswerValue)]);
    return Object.fromEntries(values) as { readonly [field in Field]?: Json | undefined };
  });
}
