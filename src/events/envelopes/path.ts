import type { Json } from '../../model/event.ts';

/** Steps of a path: names of members, and places in lists, from 0. */
export type Steps = readonly (string | number)[];

const MAX_PATH_CHARS = 512;
/** As deep as an event may be nested. */
const MAX_STEPS = 32;

const STEP = /\.?([A-Za-z_$][\w$-]*)|\[(\d{1,6})\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * Parses a path such as `data.items[0].sku` or `data["user id"]`. It starts with a name.
 * @returns a problem with the offset at which it is, for text that is not a path
 */
export function parsePath(
  text: string,
): { readonly steps: Steps } | { readonly problem: string; readonly offset: number } {
  if (text.length > MAX_PATH_CHARS) return { problem: `a path has at most ${MAX_PATH_CHARS} characters`, offset: 0 };
  const steps: (string | number)[] = [];
  for (let offset = 0; offset < text.length; offset = STEP.lastIndex) {
    STEP.lastIndex = offset;
    const found = STEP.exec(text);
    const hasDot = found?.[0].startsWith('.') ?? false;
    const isFirst = steps.length === 0;
    if (!found || (found[1] !== undefined && hasDot === isFirst) || (isFirst && found[2] !== undefined)) {
      return { problem: `${JSON.stringify(text)} is not a path`, offset };
    }
    if (steps.length === MAX_STEPS) return { problem: `a path has at most ${MAX_STEPS} steps`, offset };
    steps.push(found[1] ?? (found[2] === undefined ? unquote(found[3] as string) : Number(found[2])));
  }
  return steps.length > 0 ? { steps } : { problem: 'a path has at least one name', offset: 0 };
}

function unquote(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

/** Returns the value at a path; undefined without one. Own members only. */
export function readPath(item: Json, steps: Steps): Json | undefined {
  let value: Json | undefined = item;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    if (Array.isArray(value) !== (typeof step === 'number')) return undefined;
    value = (value as { readonly [step: string | number]: Json })[step];
  }
  return value;
}
