import { getFoldedType } from '../../model/frequency.ts';
import { PREFERENCE_UPDATED } from '../../model/terms.ts';
import { findRuleOfWait } from '../compile/compile-direct.ts';
import { type DecisionContext, sortByDueTime } from '../context.ts';
import type { Trigger, Wait } from '../facts.ts';
import { planAgain } from '../firing/plan-types.ts';
import { addMoved } from './moved.ts';
import { updateWait } from './wait.ts';

/**
 * Moves the open digests of the user to when the next one is due now, after the user changed what they want or their zone. What
 * the user does not want as a digest any longer is due at once: the plan then sends it or drops it, and the decision says so.
 * @param changed names of the traits that the event changes
 */
export function moveFolded(ctx: DecisionContext, event: Trigger, changed: readonly string[]): void {
  if (event.type !== PREFERENCE_UPDATED && !changed.includes('time_zone')) return;
  const isOpen = ({ status, rule, dueAt }: Wait) =>
    status === 'waiting' && dueAt > ctx.now && getFoldedType(rule) !== undefined;
  for (const wait of sortByDueTime(ctx.user.waits.values(), isOpen)) {
    const compiled = findRuleOfWait(ctx.rules.at(wait.catalogVersion), wait);
    if (!compiled) continue;
    const from = wait.dueAt;
    const due = planAgain(ctx, compiled, wait)?.folds[0]?.dueAt ?? ctx.now;
    if (due === from) continue;
    updateWait(ctx, wait, due, wait.state);
    addMoved(ctx, compiled, wait, from, event);
  }
}
