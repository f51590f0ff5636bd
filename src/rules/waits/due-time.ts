import { parseCelTimestamp } from '../../expressions/time.ts';
import type { At, Rule, WaitPolicy } from '../../model/catalog.ts';
import type { ReasonCode } from '../../model/decision.ts';
import type { Json, Millis } from '../../model/event.ts';
import { resolveDateExpression, resolveTimeExpression, resolveZone } from '../../time/calendar.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing, findFirstWait } from '../context.ts';
import { findDirectTime } from '../direct.ts';
import { toScope } from '../evaluate/evaluate-condition.ts';
import type { Wait } from '../facts.ts';
import { recheckAndAct } from '../firing/fire-rule.ts';
import { timeReason } from '../reasons.ts';
import type { UserState } from '../user-state.ts';
import { findEnding, recordEnding } from './ending.ts';
import { toWaitEvidence } from './wait.ts';

/** The field of `at` gives no time to wait for. */
export interface MissedTime {
  readonly code: Extract<ReasonCode, 'time_missing' | 'time_past'>;
  /** The time that is past. */
  readonly at?: Millis;
}

/** When a wait is due, and the time that the field of `at` gives; without such a field `at` is undefined. */
interface DueTime {
  readonly due: Millis;
  readonly at: Millis | undefined;
}

/** Returns when a wait of this trigger is due, from `delay`, `at` and `unless`. Only a field of `at` can be missed. */
export function computeDueTime(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): Millis | MissedTime {
  const found = findDueTime(ctx.user, compiled, firing);
  return findMissedTime(found, ctx.now) ?? (found as DueTime).due;
}

/** Like `computeDueTime`, whatever the time is now. Returns undefined if the field of `at` is missing or not a time. */
export function findDueTime(
  user: UserState,
  compiled: CompiledRule,
  { trigger, matched }: Pick<Firing, 'trigger' | 'matched'>,
): DueTime | undefined {
  const { rule, at } = compiled;
  if (compiled.isDirect) {
    const found = findDirectTime(trigger, user.profile.traits);
    return found && { due: found.time, at: found.time };
  }
  const zone = resolveZone(rule.zone, user.profile.traits);
  const end = trigger.time + (rule.unless?.within ?? 0);
  const begin = trigger.time + (rule.delay?.span ?? 0);
  if (!rule.at) return { due: Math.max(begin, end), at: undefined };
  if (!at) return { due: Math.max(resolveTimeExpression(rule.at, zone, begin), end), at: undefined };
  const result = at.evaluate(toScope({ user }, { trigger, ...(matched && { matched }) }));
  const time = result.kind === 'value' ? resolveField(rule.at, zone, result.value) : undefined;
  return time === undefined ? undefined : { due: Math.max(time, end), at: time };
}

/** Returns why a due time cannot be waited for; undefined if it can. */
export function findMissedTime(found: DueTime | undefined, now: Millis): MissedTime | undefined {
  if (!found) return { code: 'time_missing' };
  return found.at !== undefined && found.at < now ? { code: 'time_past', at: found.at } : undefined;
}

/** Returns what the rule does about a missed time: `if_missing` or `if_past`. */
export function policyOf({ ifMissing, ifPast }: Rule, { code }: MissedTime): WaitPolicy {
  return code === 'time_missing' ? ifMissing : ifPast;
}

/**
 * Returns whether a trigger has a time that can take the place of another one: also one that is past, or that is sent at
 * once. A trigger that says nothing of the time leaves it as it is.
 */
export function hasTime(user: UserState, compiled: CompiledRule, firing: Pick<Firing, 'trigger' | 'matched'>): boolean {
  if (!compiled.at || compiled.rule.ifMissing === 'send_now') return true;
  return findDueTime(user, compiled, firing) !== undefined;
}

/** Undefined for a value that names neither an instant nor a date, such as a date and time without a zone. */
function resolveField(at: At, zone: string, value: Json): Millis | undefined {
  if (typeof value !== 'string') return undefined;
  const time = parseCelTimestamp(value);
  return time === undefined ? resolveDateExpression(at, zone, value) : resolveTimeExpression(at, zone, time);
}

/**
 * Does what `if_past` or `if_missing` says.
 * @param user the known events, with those of the batch that are yet to be decided
 */
export function handleMissedTime(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  missed: MissedTime,
  user: UserState,
): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = firing;
  const { code, at } = missed;
  const policy = policyOf(rule, missed);
  if (policy === 'send_now') {
    const ending = findEnding(compiled, user, trigger, ctx.now, ctx.ids);
    if (ending) recordEnding(ctx, compiled, firing, ending);
    else recheckAndAct(ctx, compiled, { ...firing, due: Math.max(at ?? trigger.time, trigger.time) });
    return;
  }
  const outcome = policy === 'error' ? 'failed' : 'not_matched';
  const kept = code === 'time_missing' ? findKeptWait(ctx, compiled, firing) : undefined;
  if (kept) evidence.wait = toWaitEvidence(kept);
  addDecision(ctx, compiled, { code, reason: timeReason(rule, code, at, kept), eventIds, evidence, outcome });
}

/** Returns the open wait that a trigger without a time leaves as it is; undefined without one. */
function findKeptWait(ctx: DecisionContext, { rule }: CompiledRule, { key }: Firing): Wait | undefined {
  if (rule.again !== 'restart') return undefined;
  return findFirstWait(ctx, { rule: rule.name, key }, ({ status }) => status === 'waiting');
}
