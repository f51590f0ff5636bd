import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Answer, describeScope, findSwitch, scopesOf } from '../answer.ts';

/** Line 10: the default of the tenant, by the most specific scope; on without one. */
export function askTenantDefault(question: PlanQuestion, channel: Channel): Answer {
  const found = findSwitch(question.policy.defaults, scopesOf(question, channel));
  if (!found) return { verdict: 'go', code: 'default_on', level: 'default', value: 'on' };
  const level = `tenant: default of ${describeScope(found.scope)}`;
  return found.isOn
    ? { verdict: 'go', code: 'default_on', level, value: 'on' }
    : { verdict: 'drop', code: 'not_subscribed', level, value: 'off' };
}
