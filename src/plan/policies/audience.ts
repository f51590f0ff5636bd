import type { PlanQuestion } from '../../model/plan.ts';
import { PRODUCTS_TRAIT } from '../../model/preferences.ts';
import { type Answer, describeScope } from '../answer.ts';

/** Line 7: types and categories for users with certain products. */
export function askAudience({ type, policy, user }: PlanQuestion): Answer | undefined {
  for (const scope of [`t:${type.name}`, `c:${type.category}`]) {
    const wanted = policy.audiences[scope];
    if (!wanted) continue;
    const own = user.profile.traits[PRODUCTS_TRAIT];
    const products = Array.isArray(own) ? own : [own];
    if (products.some((product) => typeof product === 'string' && wanted.includes(product))) return undefined;
    return { verdict: 'drop', code: 'not_for_user', level: `audience: ${describeScope(scope)}`, value: [...wanted] };
  }
  return undefined;
}
