import type { PlanQuestion } from '../../model/plan.ts';
import { PRODUCTS_TRAIT } from '../../model/preferences.ts';
import { type Answer, describeScope } from '../answer.ts';

/** Line 6: types and categories for users with certain products. */
export function askAudience({ type, policy, user }: PlanQuestion): Answer | undefined {
  for (const scope of [`t:${type.name}`, `c:${type.category}`]) {
    const wanted = policy.audiences[scope];
    if (!wanted) continue;
    if (findOwn(user, wanted) !== undefined) return undefined;
    return { verdict: 'drop', code: 'not_for_user', level: `audience: ${describeScope(scope)}`, value: [...wanted] };
  }
  return undefined;
}

/** Returns the product of the user for which the type is; null: it is for every user, or not for this one. */
export function findProduct({ type, policy, user }: PlanQuestion): string | null {
  const wanted = policy.audiences[`t:${type.name}`] ?? policy.audiences[`c:${type.category}`];
  return (wanted && findOwn(user, wanted)) ?? null;
}

function findOwn({ profile }: PlanQuestion['user'], wanted: readonly string[]): string | undefined {
  const own = profile.traits[PRODUCTS_TRAIT];
  const products = Array.isArray(own) ? own : [own];
  return products.find((product): product is string => typeof product === 'string' && wanted.includes(product));
}
