import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Answer, describeScope, findSwitch, scopesOf } from '../answer.ts';

/** Line 7: what the tenant has locked, on or off; the most specific lock decides. */
export function askLock(question: PlanQuestion, channel: Channel): Answer | undefined {
  const lock = findSwitch(question.policy.locks, scopesOf(question, channel));
  if (!lock) return undefined;
  const level = `tenant: lock of ${describeScope(lock.scope)}`;
  return lock.isOn
    ? { verdict: 'go', code: 'tenant_on', level, value: 'on' }
    : { verdict: 'drop', code: 'tenant_off', level, value: 'off' };
}
