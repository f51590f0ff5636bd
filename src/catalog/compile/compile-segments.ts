import { type ConditionProblem, compileCondition } from '../../expressions/condition.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { readsAddress } from '../../rules/compile/address-reads.ts';

/** A condition over the profile of a user. */
export interface ProfileCondition {
  readonly text: string;
  /** Whether it reads addresses, which are opened for it. */
  readonly readsAddresses: boolean;
  /** Whether it is true. Missing traits and errors make it false, as in `for` of a rule. Never throws. */
  matches(user: JsonObject, now: Millis): boolean;
}

/**
 * Compiles a condition over the profile: it sees `user` and `now`. Returns every problem if it is invalid.
 * @param traits schema of the traits, against which it is checked; undefined: any trait may be named
 */
export function compileProfileCondition(
  text: string,
  traits?: JsonObject,
): { readonly condition: ProfileCondition } | { readonly problems: readonly ConditionProblem[] } {
  const compiled = compileCondition(text, { roots: ['user', 'now'], now: true, ...(traits && { user: traits }) });
  if ('problems' in compiled) return compiled;
  const { condition } = compiled;
  return {
    condition: {
      text,
      readsAddresses: readsAddress(condition, 'user'),
      matches: (user, now) => condition.evaluate({ event: {}, traits: {}, user, now }).kind === 'true',
    },
  };
}

/** Compiles the segments of a catalog, by name. @throws Error if one does not compile, which checked data never causes */
export function compileSegments({ segments = [] }: CatalogData): ReadonlyMap<string, ProfileCondition> {
  return new Map(
    segments.map(({ name, condition }) => {
      const compiled = compileProfileCondition(condition);
      if ('problems' in compiled) throw new Error(`segment ${name}: ${compiled.problems[0]?.message}`);
      return [name, compiled.condition];
    }),
  );
}
