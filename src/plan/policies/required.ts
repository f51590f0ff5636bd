import type { PlanQuestion } from '../../model/plan.ts';
import { type Policy, REQUIRED_CATEGORY } from '../../model/preferences.ts';
import { type Answer, describeScope } from '../answer.ts';

/** Line 5: types and categories that no user can turn off. */
export function askRequired(question: PlanQuestion): Answer | undefined {
  const scope = findRequired(question);
  if (scope === undefined) return undefined;
  return { verdict: 'go', code: 'required', level: `required: ${describeScope(scope)}`, value: 'on' };
}

/** Returns the scope by which a type is required; undefined: it is not. */
export function findRequired({
  type,
  policy,
}: {
  readonly type: PlanQuestion['type'];
  readonly policy: Pick<Policy, 'required'>;
}): string | undefined {
  const { name, category } = type;
  if (policy.required.includes(`t:${name}`)) return `t:${name}`;
  return category === REQUIRED_CATEGORY || policy.required.includes(`c:${category}`) ? `c:${category}` : undefined;
}
