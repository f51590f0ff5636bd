import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Answer, describeScope, scopesOf } from '../answer.ts';

/**
 * Lines 8 and 11: what the user has turned off, at any scope that covers the type and channel. A narrower "on" does not lift
 * it: off wins. A type of which the user wants messages never is off as well.
 */
export function askUserOff(question: PlanQuestion, channel: Channel): Answer | undefined {
  const { p } = question.terms;
  if (!p) return undefined;
  const ofType = `t:${question.type.name}`;
  const list = p[ofType]?.channels;
  for (const scope of [...scopesOf(question, channel), '*']) {
    const on = p[scope]?.on;
    if (on?.[0] === 0) return off(`user: ${describeScope(scope)}`, 'off', on[1]);
    // The list of channels is as specific as a switch of one of them.
    if (scope === `${ofType}/${channel}` && list?.[0] && !list[0].includes(channel)) {
      return off(`user: channels of ${describeScope(ofType)}`, [...list[0]], list[1]);
    }
  }
  const frequency = p[ofType]?.freq;
  if (frequency?.[0] !== 'NEVER') return undefined;
  return off(`user: frequency of ${describeScope(ofType)}`, 'NEVER', frequency[1]);
}

function off(level: string, value: Answer['value'], since: number): Answer {
  return { verdict: 'drop', code: 'preference_off', level, value, since };
}
