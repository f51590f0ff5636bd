import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Answer, describeScope, scopesOf } from '../answer.ts';

/** Line 7: what the tenant has locked, on or off; the most specific lock decides. */
export function askLock(question: PlanQuestion, channel: Channel): Answer | undefined {
  const { locks } = question.policy;
  for (const scope of scopesOf(question, channel)) {
    const isOn = locks[scope];
    if (isOn === undefined) continue;
    const level = `tenant: lock of ${describeScope(scope)}`;
    return isOn
      ? { verdict: 'go', code: 'tenant_on', level, value: 'on' }
      : { verdict: 'drop', code: 'tenant_off', level, value: 'off' };
  }
  return undefined;
}
