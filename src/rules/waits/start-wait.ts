import type { CompiledRule } from '../compile/rule-set.ts';
import { readsTrait } from '../compile/trait-reads.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import type { Trigger, Wait } from '../facts.ts';
import { fireWait } from '../firing/fire-wait.ts';
import { pendingTraitChanges, withPending } from '../lookahead.ts';
import { waitingReason } from '../reasons.ts';
import { computeDueTime, handleMissedTime, hasTime } from './due-time.ts';
import { countSeen, findEnding, recordEnding } from './ending.ts';
import { resolveOverlap } from './overlap.ts';
import { newWait, toMovedEvidence, toStartState, toTrigger, toWaitEvidence, toWaitId } from './wait.ts';

/**
 * Starts the wait of a rule with `delay`, `at` or `unless`, whose condition and pattern hold; unless a known event ends it,
 * or another trigger of the same key takes precedence (`again`). A wait that is due already fires at once.
 */
export function startWait(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = firing;
  const due = computeDueTime(ctx, compiled, firing);
  // If there is nothing left to wait for, this is the last chance for the rest of the batch to prevent the send.
  const user = typeof due === 'number' && due > ctx.now ? ctx.user : withPending(ctx.user);
  if (typeof due !== 'number') {
    // A trigger that says nothing of the time takes the place of none: that one still has the valid time.
    const mayReplace = rule.again !== 'restart' || hasTime(ctx.user, compiled, firing);
    if (mayReplace && resolveOverlap(ctx, compiled, firing, trigger.time - 1, user) === 'superseded') return;
    handleMissedTime(ctx, compiled, firing, due, user);
    return;
  }

  const ending = findEnding(compiled, user, trigger, due, ctx.ids);
  // The event that ends this wait may be a trigger as well, and must not find this one.
  const movedFrom = resolveOverlap(ctx, compiled, firing, ending ? ending.event.time - 1 : due, user);
  if (movedFrom === 'superseded') return;
  if (ending) {
    recordEnding(ctx, compiled, firing, ending);
    return;
  }

  const wait = newWait(ctx, compiled, firing, due, {
    trigger: toTrigger(trigger),
    ...toStartState(firing),
    ...countSeen(compiled, ctx.user, trigger, ctx.ids),
  });
  // The rest of the batch may still end this wait by effects of rules, or move it. It stays open, and the timer fires it
  // afterwards.
  if (due <= ctx.now && !compiled.endedByRules && !isMovedByPending(ctx, compiled)) {
    fireWait(ctx, wait);
    return;
  }
  evidence.wait = {
    ...(movedFrom ? toMovedEvidence(wait, movedFrom.waitId, movedFrom.dueAt) : toWaitEvidence(wait)),
  };
  const reason = waitingReason(rule, wait, movedFrom?.dueAt);
  addDecision(ctx, compiled, { code: 'waiting', reason, eventIds, evidence });
}

/** Returns whether an undecided event of the batch changes a trait on which the due time depends. */
function isMovedByPending({ user, source }: DecisionContext, { dueReads }: CompiledRule): boolean {
  return dueReads !== undefined && pendingTraitChanges(user, source, (trait) => readsTrait(dueReads, trait)).length > 0;
}

/**
 * Returns the wait that this trigger started already, under another version of the rule or when less of its pattern was
 * known; undefined when it started none.
 */
export function findStartedWait(ctx: DecisionContext, { rule }: CompiledRule, trigger: Trigger): Wait | undefined {
  const waitId = toWaitId(ctx, rule.name, trigger.key);
  return ctx.user.waits.get(waitId) ?? ctx.user.startedWaits?.get(waitId);
}
