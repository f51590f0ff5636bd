import { truncateForEvidence } from '../../expressions/truncate.ts';
import type { Event, JsonObject } from '../../model/event.ts';
import { isSameValue } from '../../users/profile.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext } from '../context.ts';
import type { Trigger } from '../facts.ts';
import { visibleTraits } from '../visible-traits.ts';
import { evaluateRule } from './evaluate-rule.ts';
import { addTraitChanges, findOpenChanges, matchesTraitChange } from './trait-changes.ts';

/**
 * Evaluates the rules that listen to traits which the event changes. The same value again is no change.
 * @param before the visible traits of the user without those of the event
 * @param alreadyEvaluated rules that the event triggered by its type
 */
export function evaluateTraitChanges(
  ctx: DecisionContext,
  event: Event & Pick<Trigger, 'depth'>,
  before: JsonObject,
  alreadyEvaluated: readonly CompiledRule[],
): void {
  const { byTrait, hasTraitPatterns } = ctx.rules.active;
  const traits = visibleTraits(ctx.user);
  const evaluated = new Set(alreadyEvaluated);
  for (const trait of Object.keys(event.traits)) {
    const listening = byTrait.get(trait);
    if (!listening) continue;
    const from = before[trait] ?? null;
    const to = traits[trait] ?? null;
    if (isSameValue(from, to)) continue;
    for (const compiled of listening) {
      if (evaluated.has(compiled) || !matchesTraitChange(compiled.rule, trait, to)) continue;
      evaluated.add(compiled);
      const change = { trait, from: truncateForEvidence(from, trait), to: truncateForEvidence(to, trait) };
      evaluateRule(ctx, compiled, event, change);
    }
  }
  if (hasTraitPatterns) addTraitChanges(ctx.user, findOpenChanges(event, ctx.decisions));
}
