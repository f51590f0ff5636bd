import type { Limit, Variant } from '../../model/catalog.ts';
import type { Evidence, ReasonCode } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing } from '../context.ts';
import { readDirect } from '../direct.ts';
import { toScope } from '../evaluate/evaluate-condition.ts';
import { limitBucketKey } from '../evaluate/key.ts';
import { evaluateLimit, type LimitState } from '../evaluate/limits.ts';
import type { CountedUse, Ids } from '../facts.ts';
import {
  branchReason,
  emptyBranchReason,
  expiredReason,
  expiredRequestReason,
  holdoutReason,
  limitReason,
  loopReason,
} from '../reasons.ts';

/** Number of emitted events in a row that may trigger one another; more are taken for a loop. */
const MAX_EMIT_DEPTH = 5;

/** Number of earlier sends that the evidence of a limit names, the latest; `used` counts all. */
const MAX_USES_IN_EVIDENCE = 5;

/** The gates let a firing pass. */
export interface Passed {
  readonly code?: undefined;
  /** Notification types to send; empty when the rule only acts. */
  readonly types: readonly string[];
  /** The variant of `split` that the user is in. */
  readonly variant: string | undefined;
  /** The time that the limits count at: the due time after a wait, else the event time of the trigger. */
  readonly time: Millis;
  /** State of each limit of the rule, in their order. */
  readonly limitStates: readonly LimitState[];
}

/** A gate stopped a firing. */
export interface Stopped {
  readonly code: ReasonCode;
  readonly reason: string;
}

/**
 * Asks the gates between a rule's condition and what it does, in this order: `expires`, limits, `split`, `choose`, and the
 * bound on emitted events. Returns the verdict of the first gate that stops the firing, or that all let it pass.
 *
 * Adds what each gate saw to the evidence of the firing, and changes nothing else.
 */
export function applyGates(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): Passed | Stopped {
  const { rule } = compiled;
  const { trigger, due, evidence } = firing;

  const time = due ?? trigger.time;
  if (rule.expires !== undefined && ctx.now - time > rule.expires) {
    evidence.expired = { expires_ms: rule.expires, late_by_ms: ctx.now - time };
    return { code: 'expired', reason: expiredReason(time, evidence.expired, due !== undefined) };
  }

  const expiresAt = compiled.isDirect ? readDirect(trigger).expiresAt : undefined;
  if (expiresAt !== undefined && ctx.now > expiresAt) {
    evidence.expired = { expires_ms: expiresAt - time, late_by_ms: ctx.now - time };
    return { code: 'expired', reason: expiredRequestReason(expiresAt) };
  }

  const limitStates = evaluateLimits(ctx, compiled, firing.key, time);
  if (limitStates.length > 0) {
    evidence.limits = limitStates.map((state, index) => limitEvidence(compiled.limits[index]!.limit, state));
    const full = limitStates.findIndex((state) => state.reached);
    if (full >= 0) {
      return { code: 'limit_reached', reason: limitReason(compiled.limits[full]!.limit, limitStates[full]!) };
    }
  }

  let types = rule.notify;
  let variant: string | undefined;
  if (rule.split) {
    const chosen = chooseVariant(ctx.ids, rule.name, rule.split, ctx.user.userId);
    evidence.split = { variant: chosen.name, share: chosen.share };
    if (chosen.notify.length === 0) return { code: 'holdout', reason: holdoutReason(chosen) };
    variant = chosen.name;
    types = chosen.notify;
  }
  if (rule.choose) {
    const scope = toScope(ctx, firing);
    const index = compiled.branches.findIndex((branch) => !branch || branch.evaluate(scope).kind === 'true');
    if (index < 0) return { code: 'no_branch', reason: branchReason(rule) };
    evidence.branch = index + 1;
    types = rule.choose[index]!.notify;
    if (types.length === 0 && rule.actions.length === 0) {
      return { code: 'holdout', reason: emptyBranchReason(rule, index + 1) };
    }
  }

  const emits = rule.actions.some(({ kind }) => kind !== 'cancel');
  if (emits && (trigger.depth ?? 0) >= MAX_EMIT_DEPTH) {
    return { code: 'loop', reason: loopReason(rule, MAX_EMIT_DEPTH) };
  }
  return { types, variant, time, limitStates };
}

function evaluateLimits(ctx: DecisionContext, compiled: CompiledRule, key: string, time: Millis): LimitState[] {
  return compiled.limits.map((bound) => {
    const uses = ctx.user.uses.get(limitBucketKey(bound, key)) ?? NO_USES;
    return evaluateLimit(bound.limit, uses, time, ctx.user.profile.traits);
  });
}

const NO_USES: readonly CountedUse[] = [];

/** Returns the variant of a rule that a user is in. It depends on rule and user alone, so a user stays in it. */
export function chooseVariant<One extends Pick<Variant, 'share'>>(
  { fromText }: Pick<Ids, 'fromText'>,
  rule: string,
  split: readonly One[],
  userId: string,
): One {
  const hash = Number.parseInt(fromText(`split ${rule} ${userId}`).slice(0, 8), 16);
  const percent = (hash / 2 ** 32) * 100;
  let upTo = 0;
  for (const variant of split) {
    upTo += variant.share;
    if (percent < upTo) return variant;
  }
  return split[split.length - 1]!;
}

function limitEvidence(limit: Limit, state: LimitState): NonNullable<Evidence['limits']>[number] {
  return {
    limit: limit.text,
    window: state.window,
    max: limit.max,
    used: state.uses.length,
    uses: state.uses.slice(-MAX_USES_IN_EVIDENCE).map((use) => ({
      at: isoTime(use.at),
      event_id: use.eventId,
      notification_id: use.notificationId,
    })),
  };
}
