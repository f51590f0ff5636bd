import type { Evidence } from '../model/decision.ts';
import { type Moment, record, waitsOf } from './context.ts';
import type { Trigger, Wait } from './facts.ts';
import { dropItems } from './gathering.ts';
import { agree, keyOf } from './key.ts';
import { brokenReason, cancelledReason, tooLateReason } from './reasons.ts';
import type { CompiledRule } from './rule-set.ts';
import { closeWait, keyed, waitEvidence } from './wait.ts';

/** The event may cancel waits that are open, or break the absence they wait for. */
export function endWaits(m: Moment, event: Trigger): void {
  for (const open of waitsOf(m, (one) => one.status === 'waiting')) {
    const compiled = m.rules.at(open.catalogVersion).byName.get(open.rule);
    const code = compiled && endedBy(m, compiled, open, event);
    if (!compiled || code === undefined) continue;
    const { rule } = compiled;
    const seen = (open.state.seen ?? 0) + 1;
    if (code === 'broken_by_event' && seen < (rule.unless?.atLeast ?? 1)) {
      open.state = { ...open.state, seen };
      if (open.stored === 'same') open.stored = 'changed';
      continue;
    }
    const by = { event_id: event.eventId, event_type: event.type, at: event.time };
    const isOver = open.kind !== 'digest' || !dropItems(m, compiled, open, event.time);
    if (isOver) closeWait(open, 'cancelled', m.now, by);
    const reason = code === 'broken_by_event' ? brokenReason(rule, event) : cancelledReason(rule, event);
    const eventIds = [event.eventId, open.state.trigger.eventId];
    const evidence: Evidence = { ...keyed(open.key), wait: waitEvidence(open) };
    record(m, compiled, { code, reason, eventIds, evidence, outcome: 'cancelled' });
  }
}

/** An event that would have ended a wait that has fired already is named: people ask. */
export function comeTooLate(m: Moment, event: Trigger): void {
  for (const active of m.rules.active.byEnd.get(event.type) ?? []) {
    // Ended waits are looked up by the key that the event has in the catalog in force: others are not known reliably.
    const key = keyOf(active, event, m.ids);
    for (const fired of waitsOf(
      m,
      (one) => one.rule === active.rule.name && one.key === key && one.status === 'fired',
    )) {
      const compiled = m.rules.at(fired.catalogVersion).byName.get(fired.rule);
      if (!compiled || !fired.state.told || (compiled.rule.unless?.atLeast ?? 1) > 1) continue;
      if (endedBy(m, compiled, fired, event) === undefined) continue;
      const eventIds = [event.eventId, fired.state.trigger.eventId];
      const evidence = { ...keyed(fired.key), wait: waitEvidence(fired) };
      record(m, compiled, { code: 'too_late', reason: tooLateReason(event, fired), eventIds, evidence });
    }
  }
}

/** How the event would end the wait; nothing when it has nothing to do with it. */
function endedBy(
  m: Moment,
  compiled: CompiledRule,
  one: Wait,
  event: Trigger,
): 'broken_by_event' | 'cancelled_by_event' | undefined {
  const { rule } = compiled;
  const { trigger, items, first } = one.state;
  // Of a digest, what was collected until then is over, whether it was kept or only counted.
  const from = items && items.length > 0 && first !== undefined ? first : trigger.time;
  if (event.time < from || event.key === trigger.key) return undefined;
  const cancels = rule.cancelOn.includes(event.type) && event.time <= one.dueAt;
  const breaks = rule.unless?.events.includes(event.type) && event.time <= trigger.time + rule.unless.within;
  if (!(cancels || breaks) || keyOf(compiled, event, m.ids) !== one.key) return undefined;
  if (cancels) return 'cancelled_by_event';
  return agree(compiled.sameUnless, event, trigger, m.ids) ? 'broken_by_event' : undefined;
}
