import type { Variable } from '../model/catalog.ts';
import type { Json } from '../model/event.ts';
import { MAX_VARIABLES } from '../templates/limits.ts';
import { RESERVED_NAMES } from '../templates/values.ts';
import { explainWrongType } from '../templates/variables.ts';

/** Variables that a template declares, at most. */
export const MAX_DECLARED: number = MAX_VARIABLES;

const MAX_DEFAULT_CHARS = 16_384;

/** Whether a template can declare a variable of this name. */
export function isVariableName(text: string): boolean {
  return /^[A-Za-z_]\w{0,63}$/.test(text) && !RESERVED_NAMES.has(text);
}

/** Returns why a variable cannot have this default, as the end of a sentence; undefined: it can. */
export function findDefaultProblem(of: Variable, required: boolean, standard: Json | undefined): string | undefined {
  if (standard === undefined) return undefined;
  if (standard === null) return 'is null; leave it out, or write a value';
  if (JSON.stringify(standard).length > MAX_DEFAULT_CHARS) return 'is larger than 16 KiB';
  if (required) return 'is never used: the variable is required';
  return explainWrongType(of, standard);
}
