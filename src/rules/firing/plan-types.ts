import { BUILT_IN_TYPES } from '../../model/built-in-types.ts';
import type { Channel } from '../../model/delivery.ts';
import { getFoldedType } from '../../model/frequency.ts';
import type { CapUses, Folding, NotificationPlan, PlanUser } from '../../model/plan.ts';
import { NO_POLICY } from '../../model/preferences.ts';
import { NO_TERMS } from '../../model/terms.ts';
import { isBoundTo } from '../../users/address-ids.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing } from '../context.ts';
import { readDirect } from '../direct.ts';
import type { Wait } from '../facts.ts';
import type { UserState } from '../user-state.ts';
import { findSameContent } from './same-content.ts';

/** Plans that are not the ordinary ones, by notification type. */
export type TypePlans = ReadonlyMap<string, NotificationPlan>;

/**
 * Plans the notifications of a rule on the terms of the user. The policy is that of the active catalog version, however old the
 * wait that ends; the notification type is that of the version that decides.
 * @returns undefined: all plans are the ordinary ones
 */
export function planTypes(
  ctx: DecisionContext,
  firing: Firing,
  compiled: CompiledRule,
  types: readonly string[],
): TypePlans | undefined {
  const { plan, rules, user, now } = ctx;
  const { policy } = rules.active;
  const { catalogVersion, trigger } = firing;
  if (!plan || (user.terms === NO_TERMS && policy === NO_POLICY && rules.active.dedupeWindow === 0)) return undefined;
  const { notifications, digestChannels } = catalogVersion === undefined ? rules.active : rules.at(catalogVersion);
  const { rule, isDirect } = compiled;
  const isDigest = getFoldedType(rule.name) !== undefined;
  const direct = isDirect ? readDirect(trigger) : undefined;
  const plans = new Map<string, NotificationPlan>();
  const isTest = direct?.test !== undefined;
  const hasCaps = policy.caps !== NO_POLICY.caps && !isTest;
  for (const name of types) {
    const type = notifications.get(name) ?? BUILT_IN_TYPES.get(name);
    const folding = isDigest || isTest ? undefined : toFolding(digestChannels.get(name));
    const capUses = hasCaps ? (key: string) => findUses(user, key, plans) : undefined;
    // Like the policy, the window is that of the active version.
    const window = isDigest ? undefined : rules.active.notifications.get(name)?.dedupe;
    const dedupe = window === undefined ? undefined : findSameContent(ctx, firing, compiled, { type: name, window });
    const asked = { terms: user.terms, policy, user: toPlanUser(user), now, folding, capUses, dedupe };
    const found = type && plan({ ...asked, type }, rule.channels, direct);
    if (found) plans.set(name, found);
  }
  return plans.size === 0 ? undefined : plans;
}

/** Returns the uses of a cap, with those of the types that are planned already. */
function findUses({ uses }: UserState, limitKey: string, plans: TypePlans): CapUses | undefined {
  const known = uses.get(limitKey);
  const reserved = [...plans.values()].flatMap((plan) => plan.reserved.filter((one) => one.limitKey === limitKey));
  if (reserved.length === 0) return known;
  const times = [...(known?.between(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY) ?? []), ...reserved];
  times.sort((a, b) => a.at - b.at);
  return { between: (from, to) => times.filter(({ at }) => at >= from && at <= to) };
}

function toFolding(channels: ReadonlySet<Channel> | undefined): Folding | undefined {
  return channels && { channels };
}

/** Whether nothing is sent, neither now nor later. @param plan undefined: the ordinary one */
export function isAllDropped(plan: NotificationPlan | undefined): boolean {
  return plan !== undefined && plan.channels.length === 0 && plan.folds.length === 0;
}

/** Plans what is in an open digest as if it came now; undefined: the plan is the ordinary one. */
export function planAgain(
  { plan, rules, user, now }: DecisionContext,
  { rule: { channels }, types: [name = ''] }: CompiledRule,
  { catalogVersion }: Pick<Wait, 'catalogVersion'>,
): NotificationPlan | undefined {
  const { notifications, digestChannels } = rules.at(catalogVersion);
  const type = notifications.get(name);
  if (!plan || !type) return undefined;
  const { policy } = rules.active;
  const folding = toFolding(digestChannels.get(name));
  return plan({ type, terms: user.terms, policy, user: toPlanUser(user), now, folding }, channels, undefined);
}

/** Returns a user as the plan sees them. */
function toPlanUser({ userId, profile, addressIds }: UserState): PlanUser {
  return {
    userId,
    profile,
    isBoundTo: (channel, consent) => isBoundTo(addressIds, profile, channel, consent),
  };
}
