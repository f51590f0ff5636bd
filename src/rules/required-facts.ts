import type { Condition } from '../expressions/condition.ts';
import type { Event, Millis } from '../model/event.ts';
import { clampToEventYears } from '../time/calendar.ts';
import { DAY_MS } from '../time/iso-time.ts';
import type { HistoryLookup, Ids, LimitLookup, Wait, WaitLookup } from './facts.ts';
import { evaluateKey, limitBucketKey } from './key.ts';
import { toLimitLookup } from './limits.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

type EventStub = Pick<Event, 'type' | 'time' | 'traits'>;

/** What must be known of the person before an event of this type and time can be decided. */
export function requiredHistory(rules: RuleSet, event: EventStub): HistoryLookup[] {
  const { type, time } = event;
  const needs: HistoryLookup[] = [];
  for (const compiled of mayTrigger(rules, event)) {
    const { priorEvent: simple } = compiled;
    if (simple)
      needs.push({ kind: 'latest', type: simple.event, from: clampToEventYears(time - simple.within), to: time });
    else patternSpans(needs, compiled, time, time);
    waitSpans(needs, compiled, time, time);
  }
  for (const compiled of rules.byPriorEvent.get(type) ?? NONE) {
    const { rule, priorEvent: simple } = compiled;
    if (!simple) continue;
    const { event: earlier, within } = simple;
    for (const trigger of rule.on) {
      needs.push({ kind: 'waiting', type: trigger, from: time, to: clampToEventYears(time + within), earlier, within });
    }
    waitSpans(needs, compiled, time, time + within);
  }
  for (const compiled of rules.byPatternEvent.get(type) ?? NONE) {
    const to = time + getPatternSpan(compiled);
    patternSpans(needs, compiled, time, time);
    waitSpans(needs, compiled, time, to);
    if (compiled.rule.changes) needs.push({ kind: 'changes', from: time, to: clampToEventYears(to) });
  }
  return needs;
}

const NONE: readonly CompiledRule[] = [];
const FOREVER = Number.MAX_SAFE_INTEGER;

/** How far a count since an event looks back, and on: a year. */
export const MAX_COUNT_LOOKBACK_MS = 366 * DAY_MS;

function addSpan(needs: HistoryLookup[], type: string, from: Millis, to: Millis): void {
  needs.push({ kind: 'span', type, from: clampToEventYears(from), to: clampToEventYears(to) });
}

/** Everything of a pattern that may matter to events of this time, whichever part of it they are. */
function patternSpans(needs: HistoryLookup[], compiled: CompiledRule, from: Millis, to: Millis): void {
  const { after, count, on } = compiled.rule;
  if (after.length === 0 && !count) return;
  const since = count?.window.kind === 'since' ? [count.window.event] : [];
  const reach = getPatternSpan(compiled);
  for (const type of new Set([...after.map(({ event }) => event), ...(count?.of ?? []), ...since, ...on])) {
    addSpan(needs, type, from - reach, to + reach);
  }
}

/** What may have come already and ends a wait, or takes the place of its trigger, which is of a time from `from` to `to`. */
function waitSpans(needs: HistoryLookup[], compiled: CompiledRule, from: Millis, to: Millis): void {
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
export function requiredLimits(rules: RuleSet, event: Event, ids: Ids, now: Millis): LimitLookup[] {
  const { type, time } = event;
  const needs: LimitLookup[] = [];
  for (const compiled of mayTrigger(rules, event)) {
    // A look-up costs ten times the condition, and what the condition refuses is never counted.
    if (compiled.limits.length === 0 || (compiled.condition && refuses(compiled, event))) continue;
    addLimits(needs, compiled, event, ids, compiled.waits ? Math.max(time, now) : time);
  }
  for (const by of [rules.byPriorEvent, rules.byPatternEvent]) {
    for (const compiled of by.get(type) ?? NONE) {
      if (compiled.limits.length === 0) continue;
      addLimits(needs, compiled, event, ids, Math.max(time + getPatternSpan(compiled), compiled.waits ? now : 0));
    }
  }
  return needs;
}

function addLimits(needs: LimitLookup[], compiled: CompiledRule, event: Event, ids: Ids, to: Millis): void {
  const key = evaluateKey(compiled, event, ids);
  if (key === undefined) return;
  for (const bound of compiled.limits)
    needs.push(toLimitLookup(limitBucketKey(bound, key), bound.limit, event.time, to));
}

type UserLimitLookup = { readonly userId: string; readonly need: LimitLookup };

/** Limits that the end of a wait is counted in. @param rules of the catalog it began with */
export function requiredLimitsOfWait(rules: RuleSet, { rule, key, dueAt, userId }: Wait): UserLimitLookup[] {
  const { limits = [] } = rules.byName.get(rule) ?? {};
  return limits.map((bound) => ({
    userId,
    need: toLimitLookup(limitBucketKey(bound, key), bound.limit, dueAt, dueAt),
  }));
}

export function requiredLimitsOfOccurrence({ limits }: CompiledRule, due: Millis, userId: string): UserLimitLookup[] {
  return limits.map((bound) => ({ userId, need: toLimitLookup(limitBucketKey(bound, ''), bound.limit, due, due) }));
}

/** How long after an event of a pattern its trigger may come. */
export function getPatternSpan({ rule: { after, count } }: CompiledRule): Millis {
  const steps = after.reduce((sum, step) => sum + step.within, 0);
  if (!count) return steps;
  const { window } = count;
  return Math.max(
    steps,
    window.kind === 'rolling' ? window.span : window.kind === 'day' ? 2 * DAY_MS : MAX_COUNT_LOOKBACK_MS,
  );
}

/** Waits that the event may join, move or come too late for. Open ones are loaded anyway. */
export function requiredWaits(rules: RuleSet, event: Event, ids: Ids): WaitLookup[] {
  const needs = new Map<string, WaitLookup>();
  const { type } = event;
  const { byCancelEvent: byEnd, byPriorEvent: byEarlier, byPatternEvent: byPart } = rules;
  const other = [byEnd, byEarlier, byPart].flatMap((by) => by.get(type) ?? []);
  for (const compiled of [...mayTrigger(rules, event), ...other]) {
    if (!compiled.waits) continue;
    const key = evaluateKey(compiled, event, ids);
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
function refuses({ condition, usesNow: asksNow }: CompiledRule, { properties, traits }: Event): boolean {
  if (!condition || asksNow || asks(condition)) return false;
  return condition.evaluate({ event: properties, traits, user: {} }).kind !== 'true';
}

function asks(condition: Condition): boolean {
  return condition.paths.some(([root]) => root === 'user' || root === 'matched');
}
