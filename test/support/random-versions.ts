import fc from 'fast-check';
import type { Rule } from '../../src/model/catalog.ts';
import { getWaitKind } from '../../src/rules/waits/wait.ts';
import { DAY, HOUR } from './random-catalog.ts';
import { anyRules, type Step, someHistory } from './random-history.ts';

/** Two versions of the same rules, so that waits can be moved between them, and histories in which they are. */

/** Parts of a rule that another version has in its own way, together. */
const PARTS: readonly (readonly (keyof Rule)[])[] = [
  ['after', 'count'],
  ['when', 'recheck'],
  ['cancelOn', 'unless', 'delay', 'at', 'ifPast', 'ifMissing', 'debounce', 'digest', 'again'],
  ['key'],
  ['zone', 'limits'],
];

/** Rules, and the same rules with some parts of others. */
export const twoVersions: fc.Arbitrary<readonly [Rule[], Rule[]]> = fc
  .tuple(anyRules(true), anyRules(true), fc.array(fc.subarray([...PARTS]), { minLength: 5, maxLength: 5 }))
  .map(([rules, others, chosen]) => [
    rules,
    rules.map((rule, index) => {
      const other = others[index];
      if (!other || getWaitKind(rule) !== getWaitKind(other)) return rule;
      return (chosen[index] ?? []).reduce((all, parts) => replaceParts(all, other, parts), rule);
    }),
  ]);

function replaceParts(rule: Rule, other: Rule, parts: readonly (keyof Rule)[]): Rule {
  const entries = Object.entries({ ...rule, ...Object.fromEntries(parts.map((part) => [part, other[part]])) });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as unknown as Rule;
}

/** A history with further steps that make the other version the active one; most of them move the waits. */
export function someMoves(maxLength: number): fc.Arbitrary<Step[]> {
  const apply = fc.constantFrom(1, HOUR, HOUR, DAY, DAY).map((gap): Step => ({ gap, kind: 'apply' }));
  const more = fc.array(fc.tuple(fc.nat(maxLength), apply), { minLength: 1, maxLength: 4 });
  return fc
    .tuple(someHistory(maxLength), more)
    .map(([steps, added]) =>
      added.reduce<Step[]>((all, [at, step]) => all.toSpliced(Math.min(at, all.length), 0, step), steps),
    );
}
