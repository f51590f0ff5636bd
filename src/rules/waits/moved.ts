import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext } from '../context.ts';
import { toDirectEvidence } from '../direct.ts';
import type { Trigger, Wait } from '../facts.ts';
import { waitingReason } from '../reasons.ts';
import { toKeyEvidence, toMovedEvidence } from './wait.ts';

/** Adds the decision that a wait was moved. @param from its due time before */
export function addMoved(ctx: DecisionContext, compiled: CompiledRule, wait: Wait, from: number, by: Trigger): void {
  addDecision(ctx, compiled, {
    code: 'waiting',
    reason: waitingReason(compiled.rule, wait, from),
    // The trigger first, as when the wait began: it is the one that the rule has fired for.
    eventIds: [wait.state.trigger.eventId, by.eventId],
    evidence: {
      ...toKeyEvidence(wait.key),
      ...(compiled.isDirect && { direct: toDirectEvidence(wait.state.trigger, ctx.user.profile.traits) }),
      wait: toMovedEvidence(wait, wait.waitId, from),
    },
  });
}
