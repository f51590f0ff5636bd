import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Answer, describeScope, scopesOf } from '../answer.ts';

/** Line 10: the default of the tenant, by the most specific scope; on without one. */
export function askTenantDefault(question: PlanQuestion, channel: Channel): Answer {
  const { defaults } = question.policy;
  for (const scope of scopesOf(question, channel)) {
    const isOn = defaults[scope];
    if (isOn === undefined) continue;
    const level = `tenant: default of ${describeScope(scope)}`;
    return isOn
      ? { verdict: 'go', code: 'default_on', level, value: 'on' }
      : { verdict: 'drop', code: 'not_subscribed', level, value: 'off' };
  }
  return { verdict: 'go', code: 'default_on', level: 'default', value: 'on' };
}
