import type { Condition, Expression } from '../../expressions/condition.ts';

/** The traits of the user on which a part of a rule depends. */
export interface TraitReads {
  readonly names: ReadonlySet<string>;
  /** Whether it may read any trait: `user` is used as a whole, or with a computed name. */
  readonly any: boolean;
}

/**
 * Returns the traits that expressions read from `user`; undefined when they read none.
 * @param others traits that are read in another way
 */
export function findTraitReads(
  expressions: readonly (Condition | Expression | undefined)[],
  others: readonly string[] = [],
): TraitReads | undefined {
  const names = new Set(others);
  let any = false;
  for (const expression of expressions) {
    for (const [root, second] of expression?.paths ?? []) {
      if (root !== 'user') continue;
      if (typeof second === 'string') names.add(second);
      else any = true;
    }
  }
  return names.size > 0 || any ? { names, any } : undefined;
}

export function readsTrait({ names, any }: TraitReads, trait: string): boolean {
  return any || names.has(trait);
}
