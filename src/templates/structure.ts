import type { Json, JsonObject } from '../model/event.ts';
import { compileValue } from './compile.ts';
import type { CompileOptions, FieldPath, NamedField } from './compile-path.ts';
import type { Value } from './helpers.ts';
import { MAX_SOURCE_CHARS, MAX_STRUCTURE_DEPTH, MAX_STRUCTURE_VALUES } from './limits.ts';
import type { PartProblem } from './parse.ts';

/*
 * Structured parts: JSON whose texts are templates. Names are written out; a value that is missing is left out, with its name.
 */

/** Path of a value: the names and indexes that lead to it. */
export type ValuePath = readonly (string | number)[];

export interface Structure {
  /** Returns the part for some data. Throws `RenderLimit`. */
  readonly render: (data: JsonObject) => Value;
  readonly fields: readonly NamedField[];
  readonly wholes: readonly FieldPath[];
}

/** A problem of one value; line and column are those within the value. */
export interface StructureProblem extends PartProblem {
  readonly at: ValuePath;
}

/** Compiles a structured part. Returns every problem of an invalid one. Never throws. */
export function compileStructure(
  source: string,
  options: Omit<CompileOptions, 'html'>,
): Structure | { readonly problems: readonly StructureProblem[] } {
  const fail = (message: string) => ({ problems: [{ message, line: 1, column: 1, at: [] }] });
  if (source.length > MAX_SOURCE_CHARS) return fail(`this is longer than ${MAX_SOURCE_CHARS} characters`);
  let tree: Json;
  try {
    tree = JSON.parse(source) as Json;
  } catch {
    return fail('this is not JSON');
  }
  const fields: NamedField[] = [];
  const wholes: FieldPath[] = [];
  const problems: StructureProblem[] = [];
  let values = 0;

  function compile(value: Json, at: ValuePath): (data: JsonObject) => Value {
    values += 1;
    if (values === MAX_STRUCTURE_VALUES + 1)
      problems.push(...fail(`there are more than ${MAX_STRUCTURE_VALUES} values`).problems);
    if (at.length > MAX_STRUCTURE_DEPTH) {
      problems.push({ message: `values are nested more than ${MAX_STRUCTURE_DEPTH} deep`, line: 1, column: 1, at });
      return () => undefined;
    }
    if (values > MAX_STRUCTURE_VALUES) return () => undefined;
    if (typeof value === 'string') {
      if (!value.includes('{{')) return () => value;
      const compiled = compileValue(value, options);
      if ('problems' in compiled) {
        problems.push(...compiled.problems.map((problem) => ({ ...problem, at })));
        return () => undefined;
      }
      fields.push(...compiled.fields);
      wholes.push(...compiled.wholes);
      return compiled.value;
    }
    if (typeof value !== 'object' || value === null) return () => value;
    if (Array.isArray(value)) {
      const items = value.map((item, index) => compile(item, [...at, index]));
      return (data) => items.map((item) => item(data)).filter((item): item is Json => item !== undefined);
    }
    const members = Object.entries(value).map(
      ([name, member]) => [name, compile(member as Json, [...at, name])] as const,
    );
    return (data) => {
      const rendered: [string, Json][] = [];
      for (const [name, member] of members) {
        const found = member(data);
        if (found !== undefined) rendered.push([name, found]);
      }
      // Defines each name as a member, `__proto__` too.
      return Object.fromEntries(rendered);
    };
  }

  const render = compile(tree, []);
  return problems.length > 0 ? { problems } : { render, fields, wholes };
}
