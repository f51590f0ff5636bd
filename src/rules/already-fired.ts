import type { Event } from '../model/event.ts';
import { storable } from '../time/calendar.ts';
import { type Ids, type PersonFacts, patternKey, type ToldNeed, type Trigger } from './facts.ts';
import { reachOf } from './required-facts.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';
import { laterChanges } from './trait-changes.ts';
import { waitIdOf } from './wait.ts';

/** Only decisions within the rule's reach count; a replay knows older ones, and they must not change the verdict. */
export function wasTold(compiled: CompiledRule, { told }: PersonFacts, { eventId, time }: Trigger): boolean {
  const at = told?.get(`${compiled.rule.name} ${eventId}`);
  return at !== undefined && at >= time - reachOf(compiled);
}

/** What must be known of stored triggers which this event may let be judged again. Asked when the history is known. */
export function toldNeeds(rules: RuleSet, person: PersonFacts, event: Event): ToldNeed[] {
  return judgedAgain(rules, person, event).map(({ compiled, triggers }) => {
    const times = triggers.map(({ time }) => time);
    const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    return { from: storable(from - reachOf(compiled)), to };
  });
}

/** The waits that these triggers would have begun: each begins one of a rule, whichever version it is of. */
export function begunWaits(rules: RuleSet, person: PersonFacts, event: Event, ids: Ids): string[] {
  return judgedAgain(rules, person, event).flatMap(({ compiled: { rule, waits }, triggers }) =>
    waits ? triggers.map(({ key }) => waitIdOf({ person, ids }, rule.name, key)) : [],
  );
}

interface JudgedAgain {
  readonly compiled: CompiledRule;
  /** One at least. */
  readonly triggers: readonly Pick<Trigger, 'key' | 'time'>[];
}

/** Rules that may judge stored triggers again because of this event, and which. */
function judgedAgain(rules: RuleSet, person: PersonFacts, event: Event): JudgedAgain[] {
  const found: JudgedAgain[] = [];
  for (const by of [rules.byEarlier, rules.byPart]) {
    for (const compiled of by.get(event.type) ?? []) {
      const to = event.time + reachOf(compiled);
      const triggers = storedTriggers(compiled, person, event).filter(({ time }) => time <= to);
      if (triggers.length > 0) found.push({ compiled, triggers });
    }
  }
  return found;
}

/** What was decided of one of this batch is known, and one that has its pattern is not judged again. */
function storedTriggers(
  { rule, simple }: CompiledRule,
  person: PersonFacts,
  event: Event,
): Pick<Trigger, 'key' | 'time'>[] {
  const found: Pick<Trigger, 'key' | 'time'>[] = laterChanges(rule, person, event).map(({ trigger }) => trigger);
  const pattern = simple && patternKey(simple.event, simple.within);
  for (const type of rule.on) {
    for (const known of person.known.get(type) ?? []) {
      const { key, time, waitsFor } = known;
      if (time < event.time || key === event.key || !waitsFor) continue;
      if (pattern === undefined || waitsFor.has(pattern)) found.push(known);
    }
  }
  return found;
}
