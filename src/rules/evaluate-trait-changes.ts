import { truncateForEvidence } from '../expressions/truncate.ts';
import type { Event, Profile } from '../model/event.ts';
import { isSameValue } from '../users/profile.ts';
import type { DecisionContext } from './context.ts';
import { evaluateRule } from './evaluate-rule.ts';
import type { Trigger } from './facts.ts';
import type { CompiledRule } from './rule-set.ts';
import { addTraitChanges, findOpenChanges, matchesTraitChange } from './trait-changes.ts';

/**
 * Evaluates the rules that listen to traits which the event changes. The same value again is no change.
 * @param before the profile without the traits of the event
 * @param alreadyEvaluated rules that the event triggered by its type
 */
export function evaluateTraitChanges(
  ctx: DecisionContext,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  alreadyEvaluated: readonly CompiledRule[],
): void {
  const { byTrait, hasTraitPatterns } = ctx.rules.active;
  const { traits } = ctx.user.profile;
  const evaluated = new Set(alreadyEvaluated);
  for (const trait of Object.keys(event.traits)) {
    const listening = byTrait.get(trait);
    if (!listening) continue;
    const from = before.traits[trait] ?? null;
    const to = traits[trait] ?? null;
    if (isSameValue(from, to)) continue;
    for (const compiled of listening) {
      if (evaluated.has(compiled) || !matchesTraitChange(compiled.rule, trait, to)) continue;
      evaluated.add(compiled);
      evaluateRule(ctx, compiled, event, { trait, from: truncateForEvidence(from), to: truncateForEvidence(to) });
    }
  }
  if (hasTraitPatterns) addTraitChanges(ctx.user, findOpenChanges(event, ctx.decisions));
}
