import { isoTime } from '../../time/iso-time.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import type { Trigger, Wait } from '../facts.ts';
import { fireWait } from '../firing/fire-wait.ts';
import { withPending } from '../lookahead.ts';
import { waitingReason } from '../reasons.ts';
import type { CompiledRule } from '../rule-set.ts';
import { computeDueTime, handleMissedTime } from './due-time.ts';
import { countSeen, findEnding, recordEnding } from './ending.ts';
import { resolveOverlap } from './overlap.ts';
import { newWait, toStartState, toTrigger, toWaitEvidence, toWaitId } from './wait.ts';

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
    if (resolveOverlap(ctx, compiled, firing, trigger.time - 1, user) === 'superseded') return;
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
  // Effects of rules on the rest of the batch may still end this wait. It stays open, and the timer fires it afterwards.
  if (due <= ctx.now && !compiled.endedByRules) {
    fireWait(ctx, wait);
    return;
  }
  evidence.wait = {
    ...toWaitEvidence(wait),
    ...(movedFrom && { moved_from: { wait_id: movedFrom.waitId, due_at: isoTime(movedFrom.dueAt) } }),
  };
  addDecision(ctx, compiled, { code: 'waiting', reason: waitingReason(rule, wait, movedFrom), eventIds, evidence });
}

/**
 * Returns the wait that this trigger started already, under another version of the rule or when less of its pattern was
 * known; undefined when it started none.
 */
export function findStartedWait(ctx: DecisionContext, { rule }: CompiledRule, trigger: Trigger): Wait | undefined {
  const waitId = toWaitId(ctx, rule.name, trigger.key);
  return ctx.user.waits.get(waitId) ?? ctx.user.startedWaits?.get(waitId);
}
