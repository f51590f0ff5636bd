import type { After } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { clampToEventYears } from '../../time/calendar.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { HistoryLookup, Trigger } from '../facts.ts';
import { takesFastPath } from './prior-event.ts';

/** Adds what must be known to match the pattern of a trigger of this time that is not stored yet. */
export function addTriggerLookups(lookups: HistoryLookup[], compiled: CompiledRule, time: Millis): void {
  if (takesFastPath(compiled)) addLatest(lookups, compiled.priorEvent, time, time);
  else addPatternSpans(lookups, compiled, time, time);
}

/** Like `addTriggerLookups`, for a trigger that is stored. It may be the latest event of its type, but not its own prior event. */
export function addStoredTriggerLookups(
  lookups: HistoryLookup[],
  compiled: CompiledRule,
  { type, time }: Pick<Trigger, 'type' | 'time'>,
): void {
  if (!takesFastPath(compiled) || compiled.priorEvent.event !== type) {
    addTriggerLookups(lookups, compiled, time);
    return;
  }
  addLatest(lookups, compiled.priorEvent, time, time - 1);
  addSpan(lookups, type, time, time);
}

/** Adds the look-up of the latest prior event of a trigger of this time. @param to not after that time */
function addLatest(lookups: HistoryLookup[], { event, within }: After, time: Millis, to: Millis): void {
  lookups.push({ kind: 'latest', type: event, from: clampToEventYears(time - within), to: clampToEventYears(to) });
}

/** Adds what must be known to find the triggers that an event of this time, as a part of their pattern, completes. */
export function addPatternEventLookups(lookups: HistoryLookup[], compiled: CompiledRule, time: Millis): void {
  const { rule } = compiled;
  const to = clampToEventYears(time + compiled.patternSpan);
  if (takesFastPath(compiled)) {
    const { event: earlier, within } = compiled.priorEvent;
    for (const type of rule.on) lookups.push({ kind: 'waiting', type, from: time, to, earlier, within });
    return;
  }
  addPatternSpans(lookups, compiled, time, time);
  if (rule.changes) lookups.push({ kind: 'changes', from: time, to });
}

/** Adds all events of a pattern that has some part, whichever it is, in the span from `from` to `to`. */
export function addPatternSpans(lookups: HistoryLookup[], compiled: CompiledRule, from: Millis, to: Millis): void {
  const { after, count, on } = compiled.rule;
  if (after.length === 0 && !count) return;
  const since = count?.window.kind === 'since' ? [count.window.event] : [];
  const span = compiled.patternSpan;
  for (const type of new Set([...after.map(({ event }) => event), ...(count?.of ?? []), ...since, ...on])) {
    addSpan(lookups, type, from - span, to + span);
  }
}

/** Adds the look-up of the whole events of a type from one time to another, both included. */
export function addSpan(lookups: HistoryLookup[], type: string, from: Millis, to: Millis): void {
  lookups.push({ kind: 'span', type, from: clampToEventYears(from), to: clampToEventYears(to) });
}
