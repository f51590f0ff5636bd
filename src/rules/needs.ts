import type { Event, Millis } from '../model.ts';
import type { Condition } from './condition.ts';
import type { HistoryNeed, Ids, LimitNeed, WaitNeed } from './facts.ts';
import { keyOf, ownerOf } from './key.ts';
import { limitNeed, storable } from './limits.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

type Told = Pick<Event, 'type' | 'time' | 'traits'>;

/** What must be known of the person before an event of this type and time can be decided. */
export function historyNeeds(rules: RuleSet, event: Told): HistoryNeed[] {
  const { type, time } = event;
  const needs: HistoryNeed[] = [];
  const span = (other: string, from: Millis, to: Millis) =>
    needs.push({ kind: 'span', type: other, from: storable(from), to: storable(to) });
  for (const compiled of triggeredBy(rules, event)) {
    const { rule, simple } = compiled;
    if (simple) needs.push({ kind: 'latest', type: simple.event, from: storable(time - simple.within), to: time });
    else patternSpans(compiled, time, span);
    if (rule.unless) for (const other of rule.unless.events) span(other, time, time + rule.unless.within);
    for (const other of rule.cancelOn) span(other, time, FOREVER);
    // A later trigger that came first takes the place of this one.
    if (compiled.waits && rule.again !== 'beside') for (const other of rule.on) span(other, time, FOREVER);
  }
  for (const { rule, simple } of rules.byEarlier.get(type) ?? []) {
    if (!simple) continue;
    const { event: earlier, within } = simple;
    for (const trigger of rule.on) {
      needs.push({ kind: 'waiting', type: trigger, from: time, to: storable(time + within), earlier, within });
    }
  }
  for (const compiled of rules.byPart.get(type) ?? []) patternSpans(compiled, time, span);
  return needs;
}

const FOREVER = Number.MAX_SAFE_INTEGER;
const DAY = 86_400_000;

/** How far a count since an event looks back, and on: a year. */
export const LONGEST_COUNT = 366 * DAY;

/** Everything of a pattern that may matter to an event of this time, whichever part of it the event is. */
function patternSpans(
  { rule }: CompiledRule,
  time: Millis,
  span: (type: string, from: Millis, to: Millis) => void,
): void {
  const { after, count } = rule;
  let back = after.reduce((sum, step) => sum + step.within, 0);
  const types = new Set(after.map(({ event }) => event));
  if (count) {
    const { window } = count;
    const reach = window.kind === 'rolling' ? window.span : window.kind === 'day' ? 2 * DAY : LONGEST_COUNT;
    back = Math.max(back, reach);
    for (const type of count.of) types.add(type);
    if (window.kind === 'since') types.add(window.event);
  }
  if (types.size === 0) return;
  for (const type of rule.on) types.add(type);
  for (const type of types) span(type, time - back, time + back);
}

/** Limits that a send because of this event would be counted in. @param now a rule that waits may end at once, up to now */
export function limitNeeds(rules: RuleSet, event: Event, ids: Ids, now: Millis): LimitNeed[] {
  const { type, time } = event;
  const needs: LimitNeed[] = [];
  const add = (compiled: CompiledRule, from: Millis, to: Millis) => {
    const key = keyOf(compiled, event, ids);
    if (key === undefined) return;
    for (const bound of compiled.limits) needs.push(limitNeed(ownerOf(bound, key), bound.limit, from, to));
  };
  for (const compiled of triggeredBy(rules, event)) {
    // A look-up costs ten times the condition, and what the condition refuses is never counted.
    if (compiled.limits.length === 0 || (compiled.condition && refuses(compiled, event))) continue;
    add(compiled, time, compiled.waits ? Math.max(time, now) : time);
  }
  for (const compiled of [...(rules.byEarlier.get(type) ?? []), ...(rules.byPart.get(type) ?? [])]) {
    if (compiled.limits.length > 0) add(compiled, time, Math.max(time + reachOf(compiled), compiled.waits ? now : 0));
  }
  return needs;
}

/** How long after an event of a pattern its trigger may come. */
function reachOf({ rule: { after, count } }: CompiledRule): Millis {
  const steps = after.reduce((sum, step) => sum + step.within, 0);
  if (!count) return steps;
  const { window } = count;
  return Math.max(steps, window.kind === 'rolling' ? window.span : window.kind === 'day' ? 2 * DAY : LONGEST_COUNT);
}

/** Waits that the event may join, move or come too late for. Open ones are loaded anyway. */
export function waitNeeds(rules: RuleSet, event: Event, ids: Ids): WaitNeed[] {
  const needs = new Map<string, WaitNeed>();
  for (const compiled of [...triggeredBy(rules, event), ...(rules.byEnd.get(event.type) ?? [])]) {
    if (!compiled.waits) continue;
    const key = keyOf(compiled, event, ids);
    if (key !== undefined) needs.set(`${compiled.rule.name} ${key}`, { rule: compiled.rule.name, key });
  }
  return [...needs.values()];
}

/** Rules that the event may trigger: by its type, or by a trait it may change. */
function triggeredBy(rules: RuleSet, { type, traits }: Told): Iterable<CompiledRule> {
  const listed = rules.byTrigger.get(type) ?? [];
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
