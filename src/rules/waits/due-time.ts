import { parseCelTimestamp } from '../../expressions/time.ts';
import type { At } from '../../model/catalog.ts';
import type { ReasonCode } from '../../model/decision.ts';
import type { Json, Millis } from '../../model/event.ts';
import { resolveDateExpression, resolveTimeExpression, resolveZone } from '../../time/calendar.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import { toScope } from '../evaluate-condition.ts';
import { recheckAndAct } from '../firing/fire-rule.ts';
import { timeReason } from '../reasons.ts';
import type { CompiledRule } from '../rule-set.ts';
import type { UserState } from '../user-state.ts';
import { findEnding, recordEnding } from './ending.ts';

/** The field of `at` gives no time to wait for. */
export interface MissedTime {
  readonly code: Extract<ReasonCode, 'time_missing' | 'time_past'>;
  /** The time that is past. */
  readonly at?: Millis;
}

/** Returns when a wait of this trigger is due, from `delay`, `at` and `unless`. Only a field of `at` can be missed. */
export function computeDueTime(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, matched }: Firing,
): Millis | MissedTime {
  const { rule, at } = compiled;
  const zone = resolveZone(rule.zone, ctx.user.profile.traits);
  let due = trigger.time + (rule.delay?.span ?? 0);
  if (rule.at && at) {
    const result = at.evaluate(toScope(ctx, { trigger, ...(matched && { matched }) }));
    const time = result.kind === 'value' ? resolveField(rule.at, zone, result.value) : undefined;
    if (time === undefined) return { code: 'time_missing' };
    due = time;
    if (due < ctx.now) return { code: 'time_past', at: due };
  } else if (rule.at) {
    due = resolveTimeExpression(rule.at, zone, due);
  }
  return Math.max(due, trigger.time + (rule.unless?.within ?? 0));
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
  { code, at }: MissedTime,
  user: UserState,
): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = firing;
  const policy = code === 'time_missing' ? rule.ifMissing : rule.ifPast;
  if (policy === 'send_now') {
    const ending = findEnding(compiled, user, trigger, ctx.now, ctx.ids);
    if (ending) recordEnding(ctx, compiled, firing, ending);
    else recheckAndAct(ctx, compiled, { ...firing, due: Math.max(at ?? trigger.time, trigger.time) });
    return;
  }
  const outcome = policy === 'error' ? 'failed' : 'not_matched';
  addDecision(ctx, compiled, { code, reason: timeReason(rule, code, at), eventIds, evidence, outcome });
}
