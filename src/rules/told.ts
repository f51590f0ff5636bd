/**
 * A rule acts on a trigger once. A late event may let one be judged again that was told already: by a version of the rule
 * without the pattern, or when a count since an event was right before, and has been wrong in between. The decisions on
 * the rows of the trigger and of the late parts of its pattern say so.
 */
import type { Event, Millis } from '../model.ts';
import { storable } from './calendar.ts';
import { laterChanges } from './changes.ts';
import { type PersonFacts, patternKey, type ToldNeed, type Trigger } from './facts.ts';
import { reachOf } from './needs.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

/** As far back as the rule looks, that is: also where more is known. */
export function wasTold(compiled: CompiledRule, { told }: PersonFacts, { eventId, time }: Trigger): boolean {
  const at = told?.get(`${compiled.rule.name} ${eventId}`);
  return at !== undefined && at >= time - reachOf(compiled);
}

/** What must be known of stored triggers which this event may let be judged again. Asked when the history is known. */
export function toldNeeds(rules: RuleSet, person: PersonFacts, event: Event): ToldNeed[] {
  const needs: ToldNeed[] = [];
  for (const by of [rules.byEarlier, rules.byPart]) {
    for (const compiled of by.get(event.type) ?? []) {
      const reach = reachOf(compiled);
      const times = storedTriggers(compiled, person, event).filter((time) => time <= event.time + reach);
      if (times.length === 0) continue;
      const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
      needs.push({ from: storable(from - reach), to });
    }
  }
  return needs;
}

/** When they were. What was decided of one of this batch is known, and one that has its pattern is not judged again. */
function storedTriggers({ rule, simple }: CompiledRule, person: PersonFacts, event: Event): Millis[] {
  const times = laterChanges(rule, person, event).map(({ trigger }) => trigger.time);
  const pattern = simple && patternKey(simple.event, simple.within);
  for (const type of rule.on) {
    for (const { key, time, waitsFor } of person.known.get(type) ?? []) {
      if (time < event.time || key === event.key || !waitsFor) continue;
      if (pattern === undefined || waitsFor.has(pattern)) times.push(time);
    }
  }
  return times;
}
