/** Waits that are due at a time of the user: when a trait changes on which it depends, they move. */

import { findRuleOfWait } from '../compile/compile-direct.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { readsTrait } from '../compile/trait-reads.ts';
import { addDecision, type DecisionContext, sortByDueTime } from '../context.ts';
import type { Trigger, Wait } from '../facts.ts';
import { findWaitsOfRule, listRulesOfWaits, MAX_SCANNED_WAITS } from '../known/user-waits.ts';
import { lostTimeReason } from '../reasons.ts';
import { mergeItems } from './digest.ts';
import { findDueTime, findMissedTime, policyOf } from './due-time.ts';
import { addMoved } from './moved.ts';
import { closeWait, toKeyEvidence, toWaitEvidence, updateWait } from './wait.ts';
import { mergeOverlapping } from './window.ts';
import { computeWindowEnd, extendSpan, getFirstTime } from './window-span.ts';

/**
 * Moves the open waits of which the due time depends on a trait that the event changes. A wait whose new time is past or
 * missing is sent or cancelled, as the rule says (`if_past`, `if_missing`). Adds a decision for each wait that changes.
 * @param changed names of the traits that the event changes
 */
export function moveWaits(ctx: DecisionContext, event: Trigger, changed: readonly string[]): void {
  if (changed.length === 0) return;
  const { waits } = ctx.user;
  const affected: Wait[] = [];
  const visit = (rule: string, version: number, own: Iterable<Wait>) => {
    const reads = ctx.rules.at(version).byName.get(rule)?.dueReads;
    if (!reads || !changed.some((trait) => readsTrait(reads, trait))) return;
    for (const wait of own) if (wait.catalogVersion === version) affected.push(wait);
  };
  if (waits.size <= MAX_SCANNED_WAITS) {
    for (const wait of waits.values()) if (wait.status === 'waiting') visit(wait.rule, wait.catalogVersion, [wait]);
  } else {
    for (const { rule, version } of listRulesOfWaits(waits)) visit(rule, version, findWaitsOfRule(waits, rule));
  }
  for (const wait of sortByDueTime(affected, ({ status }) => status === 'waiting')) {
    // A digest may have become a part of an earlier one.
    if (wait.status === 'waiting') {
      const compiled = findRuleOfWait(ctx.rules.at(wait.catalogVersion), wait);
      if (compiled) moveWait(ctx, compiled, wait, event);
    }
  }
}

function moveWait(ctx: DecisionContext, compiled: CompiledRule, wait: Wait, by: Trigger): void {
  const { rule } = compiled;
  const from = wait.dueAt;
  if (wait.kind === 'digest') {
    if (!rule.digest) return;
    const span = extendSpan(wait, getFirstTime(wait), getFirstTime(wait));
    const due = computeWindowEnd(ctx, compiled, span);
    if (due === from) return;
    updateWait(ctx, wait, due, wait.state);
    mergeOverlapping(ctx, compiled, wait, by, (state, other) => mergeItems(compiled, state, other));
    addMoved(ctx, compiled, wait, from, by);
    return;
  }
  const { trigger, matched } = wait.state;
  const found = findDueTime(ctx.user, compiled, { trigger, ...(matched && { matched }) });
  if (found?.due === from) return;
  const missed = findMissedTime(found, ctx.now);
  if (missed && policyOf(rule, missed) !== 'send_now') {
    closeWait(wait, 'cancelled', ctx.now, { event_id: by.eventId, event_type: by.type, at: by.time });
    addDecision(ctx, compiled, {
      code: missed.code,
      reason: lostTimeReason(rule, by, missed.code, missed.at),
      eventIds: [by.eventId, trigger.eventId],
      evidence: { ...toKeyEvidence(wait.key), wait: toWaitEvidence(wait) },
      outcome: policyOf(rule, missed) === 'error' ? 'failed' : 'cancelled',
    });
    return;
  }
  // One that is sent now is due, and left to the timer: the rest of the batch may still end it.
  const due = found?.due ?? Math.min(from, trigger.time + (rule.unless?.within ?? 0));
  if (due === from) return;
  updateWait(ctx, wait, due, wait.state);
  addMoved(ctx, compiled, wait, from, by);
}
