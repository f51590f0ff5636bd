import type { Channel } from '../../model/delivery.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { type Answer, describeScope, scopesOf } from '../answer.ts';

/** Line 9: the most specific scope that the user has turned on. */
export function askUserOn(question: PlanQuestion, channel: Channel): Answer | undefined {
  const { p } = question.terms;
  if (!p) return undefined;
  const ofType = `t:${question.type.name}`;
  for (const scope of [...scopesOf(question, channel), '*']) {
    const on = p[scope]?.on;
    if (on?.[0] === 1) return turnedOn(`user: ${describeScope(scope)}`, 'on', on[1]);
    const list = p[ofType]?.channels;
    if (scope === `${ofType}/${channel}` && list?.[0]?.includes(channel)) {
      return turnedOn(`user: channels of ${describeScope(ofType)}`, [...list[0]], list[1]);
    }
  }
  const all = p['*']?.on;
  if (all?.[0] !== 'listed') return undefined;
  const since = all[1];
  return { verdict: 'drop', code: 'preference_off', level: 'user: everything', value: 'only_listed', since };
}

function turnedOn(level: string, value: Answer['value'], since: number): Answer {
  return { verdict: 'go', code: 'preference_on', level, value, since };
}
