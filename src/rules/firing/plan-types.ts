import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { NotificationPlan, PlanUser } from '../../model/plan.ts';
import { NO_POLICY } from '../../model/preferences.ts';
import { NO_TERMS } from '../../model/terms.ts';
import { getAddressMask } from '../../users/profile.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing } from '../context.ts';
import { readDirect } from '../direct.ts';
import type { UserState } from '../user-state.ts';

/** Plans that are not the ordinary ones, by notification type. */
export type TypePlans = ReadonlyMap<string, NotificationPlan>;

/**
 * Plans the notifications of a rule on the terms of the user. The policy is that of the active catalog version, however old the
 * wait that ends; the notification type is that of the version that decides.
 * @returns undefined: all plans are the ordinary ones
 */
export function planTypes(
  ctx: DecisionContext,
  { catalogVersion, trigger }: Firing,
  { rule: { channels }, isDirect }: CompiledRule,
  types: readonly string[],
): TypePlans | undefined {
  const { plan, rules, user, now } = ctx;
  const { policy } = rules.active;
  if (!plan || (user.terms === NO_TERMS && policy === NO_POLICY)) return undefined;
  const { notifications } = catalogVersion === undefined ? rules.active : rules.at(catalogVersion);
  const direct = isDirect ? readDirect(trigger) : undefined;
  const plans = new Map<string, NotificationPlan>();
  for (const name of types) {
    const type = notifications.get(name);
    const found = type && plan({ type, terms: user.terms, policy, user: toPlanUser(user), now }, channels, direct);
    if (found) plans.set(name, found);
  }
  return plans.size === 0 ? undefined : plans;
}

/**
 * Returns a user as the plan sees them. Consent is compared by the mask of its address here, which events and profiles have; the
 * claim compares the keyed hash.
 */
function toPlanUser({ userId, profile }: UserState): PlanUser {
  return {
    userId,
    profile,
    isBoundTo(channel, { mask }) {
      const { addressKind } = CHANNEL_DESCRIPTORS[channel];
      return mask === undefined || addressKind === undefined || getAddressMask(profile, addressKind) === mask;
    },
  };
}
