import type { Condition } from '../expressions/condition.ts';
import type { Event, Millis } from '../model/event.ts';
import { storable } from '../time/calendar.ts';
import { DAY } from '../time/iso-time.ts';
import type { HistoryNeed, Ids, LimitNeed, Wait, WaitNeed } from './facts.ts';
import { countedIn, keyOf } from './key.ts';
import { limitNeed } from './limits.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

type EventStub = Pick<Event, 'type' | 'time' | 'traits'>;

/** What must be known of the person before an event of this type and time can be decided. */
export function historyNeeds(rules: RuleSet, event: EventStub): HistoryNeed[] {
  const { type, time } = event;
  const needs: HistoryNeed[] = [];
  for (const compiled of mayTrigger(rules, event)) {
    const { simple } = compiled;
    if (simple) needs.push({ kind: 'latest', type: simple.event, from: storable(time - simple.within), to: time });
    else patternSpans(needs, compiled, time, time);
    waitSpans(needs, compiled, time, time);
  }
  for (const compiled of rules.byEarlier.get(type) ?? NONE) {
    const { rule, simple } = compiled;
    if (!simple) continue;
    const { event: earlier, within } = simple;
    for (const trigger of rule.on) {
      needs.push({ kind: 'waiting', type: trigger, from: time, to: storable(time + within), earlier, within });
    }
    waitSpans(needs, compiled, time, time + within);
  }
  for (const compiled of rules.byPart.get(type) ?? NONE) {
    const to = time + reachOf(compiled);
    patternSpans(needs, compiled, time, time);
    waitSpans(needs, compiled, time, to);
    if (compiled.rule.changes) needs.push({ kind: 'changes', from: time, to: storable(to) });
  }
  return needs;
}

const NONE: readonly CompiledRule[] = [];
const FOREVER = Number.MAX_SAFE_INTEGER;

/** How far a count since an event looks back, and on: a year. */
export const LONGEST_COUNT = 366 * DAY;

function addSpan(needs: HistoryNeed[], type: string, from: Millis, to: Millis): void {
  needs.push({ kind: 'span', type, from: storable(from), to: storable(to) });
}

/** Everything of a pattern that may matter to events of this time, whichever part of it they are. */
function patternSpans(needs: HistoryNeed[], compiled: CompiledRule, from: Millis, to: Millis): void {
  const { after, count, on } = compiled.rule;
  if (after.length === 0 && !count) return;
  const since = count?.window.kind === 'since' ? [count.window.event] : [];
  const reach = reachOf(compiled);
  for (const type of new Set([...after.map(({ event }) => event), ...(count?.of ?? []), ...since, ...on])) {
    addSpan(needs, type, from - reach, to + reach);
  }
}

/** What may have come already and ends a wait, or takes the place of its trigger, which is of a time from `from` to `to`. */
function waitSpans(needs: HistoryNeed[], compiled: CompiledRule, from: Millis, to: Millis): void {
  const { rule, waits } = compiled;
  if (!waits) return;
  if (rule.unless) for (const type of rule.unless.events) addSpan(needs, type, from, to + rule.unless.within);
  for (const type of rule.cancelOn) addSpan(needs, type, from, FOREVER);
  if (rule.again !== 'restart') return;
  // A later trigger that came first, if its own pattern is complete.
  for (const type of rule.on) addSpan(needs, type, from, FOREVER);
  patternSpans(needs, compiled, from, FOREVER);
}

/** Limits that a send because of this event would be counted in. @param now a rule that waits may end at once, up to now */
export function limitNeeds(rules: RuleSet, event: Event, ids: Ids, now: Millis): LimitNeed[] {
  const { type, time } = event;
  const needs: LimitNeed[] = [];
  for (const compiled of mayTrigger(rules, event)) {
    // A look-up costs ten times the condition, and what the condition refuses is never counted.
    if (compiled.limits.length === 0 || (compiled.condition && refuses(compiled, event))) continue;
    addLimits(needs, compiled, event, ids, compiled.waits ? Math.max(time, now) : time);
  }
  for (const by of [rules.byEarlier, rules.byPart]) {
    for (const compiled of by.get(type) ?? NONE) {
      if (compiled.limits.length === 0) continue;
      addLimits(needs, compiled, event, ids, Math.max(time + reachOf(compiled), compiled.waits ? now : 0));
    }
  }
  return needs;
}

function addLimits(needs: LimitNeed[], compiled: CompiledRule, event: Event, ids: Ids, to: Millis): void {
  const key = keyOf(compiled, event, ids);
  if (key === undefined) return;
  for (const bound of compiled.limits) needs.push(limitNeed(countedIn(bound, key), bound.limit, event.time, to));
}

type PersonNeed = { readonly userId: string; readonly need: LimitNeed };

/** Limits that the end of a wait is counted in. @param rules of the catalog it began with */
export function waitLimitNeeds(rules: RuleSet, { rule, key, dueAt, userId }: Wait): PersonNeed[] {
  const { limits = [] } = rules.byName.get(rule) ?? {};
  return limits.map((bound) => ({ userId, need: limitNeed(countedIn(bound, key), bound.limit, dueAt, dueAt) }));
}

export function turnLimitNeeds({ limits }: CompiledRule, due: Millis, userId: string): PersonNeed[] {
  return limits.map((bound) => ({ userId, need: limitNeed(countedIn(bound, ''), bound.limit, due, due) }));
}

/** How long after an event of a pattern its trigger may come. */
export function reachOf({ rule: { after, count } }: CompiledRule): Millis {
  const steps = after.reduce((sum, step) => sum + step.within, 0);
  if (!count) return steps;
  const { window } = count;
  return Math.max(steps, window.kind === 'rolling' ? window.span : window.kind === 'day' ? 2 * DAY : LONGEST_COUNT);
}

/** Waits that the event may join, move or come too late for. Open ones are loaded anyway. */
export function waitNeeds(rules: RuleSet, event: Event, ids: Ids): WaitNeed[] {
  const needs = new Map<string, WaitNeed>();
  const { type } = event;
  const { byEnd, byEarlier, byPart } = rules;
  const other = [byEnd, byEarlier, byPart].flatMap((by) => by.get(type) ?? []);
  for (const compiled of [...mayTrigger(rules, event), ...other]) {
    if (!compiled.waits) continue;
    const key = keyOf(compiled, event, ids);
    if (key !== undefined) needs.set(`${compiled.rule.name} ${key}`, { rule: compiled.rule.name, key });
  }
  return [...needs.values()];
}

/** Rules that the event may trigger: by its type, or by a trait it may change. */
function mayTrigger(rules: RuleSet, { type, traits }: EventStub): Iterable<CompiledRule> {
  const listed = rules.byTrigger.get(type) ?? NONE;
  if (rules.byTrait.size === 0) return listed;
  return new Set([...listed, ...Object.keys(traits).flatMap((trait) => rules.byTrait.get(trait) ?? [])]);
}

/** The condition is not true whatever the profile and the history say: it does not ask. */
function refuses({ condition, asksNow }: CompiledRule, { properties, traits }: Event): boolean {
  if (!condition || asksNow || asks(condition)) return false;
  return condition.evaluate({ event: properties, traits, user: {} }).kind !== 'true';
}

function asks(condition: Condition): boolean {
  return condition.paths.some(([root]) => root === 'user' || root === 'matched');
}
