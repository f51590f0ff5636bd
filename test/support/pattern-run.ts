import type { Rule } from '../../src/model/catalog.ts';
import type { Event } from '../../src/model/event.ts';
import {
  findOpenTriggers,
  hasBecomeComplete,
  matchPattern,
  rememberMatch,
} from '../../src/rules/patterns/match-pattern.ts';
import { addEvent, newUserState } from '../../src/rules/user-state.ts';
import { rulesOf } from './random-catalog.ts';
import { type DrawnEvent, toEvent } from './random-rules.ts';
import { completedByScan, matchByScan } from './reference-patterns.ts';
import { newIds } from './simulation.ts';

/** Results of matching each event when it arrives, by the rules or by the reference. */
export interface PatternRun {
  /** For the event as a trigger: the matched steps, the counted events, and whether the pattern is complete. */
  readonly matches: unknown[];
  /** Keys of the earlier triggers that it completes. */
  readonly completed: string[][];
}

/** Lets events arrive one by one, as the rule sees them and as the reference does. */
export function runPattern(rule: Rule, drawn: readonly DrawnEvent[]): { got: PatternRun; want: PatternRun } {
  const rules = rulesOf([rule]);
  const compiled = rules.byName.get(rule.name)!;
  const ids = newIds();
  const user = newUserState('u');
  const known: Event[] = [];
  const got: PatternRun = { matches: [], completed: [] };
  const want: PatternRun = { matches: [], completed: [] };
  for (const [place, one] of drawn.entries()) {
    const event = toEvent(one, place);
    const { traits } = user.profile;
    const { steps, count, isComplete } = matchPattern(compiled, user, event, ids);
    got.matches.push({ steps: steps?.map(({ key }) => key), counted: count?.counted, isComplete });
    want.matches.push(matchByScan(compiled, known, traits, event, ids));
    // A trigger of the rule is remembered once it is complete.
    if (rule.on.includes(event.type) && isComplete) rememberMatch(compiled, user, event);
    // An event of another type is no part of the pattern, or can only break it.
    const isPart = rules.byPatternEvent.get(event.type)?.includes(compiled);
    want.completed.push(isPart ? completedByScan(compiled, known, traits, event, ids) : []);
    const open = findOpenTriggers(rules, user, event, ids);
    addEvent(user, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
    known.push(event);
    const completed = open.filter((trigger) => hasBecomeComplete(trigger, user, ids)).map(({ trigger }) => trigger);
    for (const trigger of completed) rememberMatch(compiled, user, trigger);
    got.completed.push(completed.map(({ key }) => key));
  }
  return { got, want };
}

/** Lets events arrive one by one, as the rule sees them; returns how many triggers late events completed. */
export function playPattern(rule: Rule, drawn: readonly DrawnEvent[]): number {
  const rules = rulesOf([rule]);
  const compiled = rules.byName.get(rule.name)!;
  const ids = newIds();
  const user = newUserState('u');
  let completed = 0;
  for (const [place, one] of drawn.entries()) {
    const event = toEvent(one, place);
    const { isComplete } = matchPattern(compiled, user, event, ids);
    if (rule.on.includes(event.type) && isComplete) rememberMatch(compiled, user, event);
    const open = findOpenTriggers(rules, user, event, ids);
    addEvent(user, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
    for (const trigger of open) {
      if (!hasBecomeComplete(trigger, user, ids)) continue;
      completed++;
      rememberMatch(compiled, user, trigger.trigger);
    }
  }
  return completed;
}
