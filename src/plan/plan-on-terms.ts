import { getPriorityNumber, PRIORITIES } from '../model/delivery.ts';
import type { ChannelPlan, NotificationPlan, PlanOnTerms, PlanQuestion } from '../model/plan.ts';
import { describeVerdicts } from './describe-verdicts.ts';
import { planNotification, selectChannels } from './plan.ts';
import { planChannel, type TimedVerdict } from './verdicts.ts';

/** The priority of messages that do not wait for quiet hours. */
const URGENT = getPriorityNumber(PRIORITIES[0]);

/** See `PlanOnTerms`. What is held is retried from its due time on; when it expires does not change. */
export const planOnTerms: PlanOnTerms = (asked, only) => {
  const { type, now } = asked;
  const question: PlanQuestion = {
    ...asked,
    channels: selectChannels(type, only),
    isUrgent: getPriorityNumber(type.priority) === URGENT,
    expiresAt: type.expiresAfter === undefined ? null : now + type.expiresAfter,
  };
  const timed = question.channels.map((channel) => planChannel(question, channel));
  const verdicts = timed.map(({ verdict }) => verdict);
  if (verdicts.every(({ verdict }) => verdict === 'go')) return undefined;
  return { channels: toChannelPlans(question, timed), verdicts, text: describeVerdicts(verdicts) };
};

/** Plans the channels that are not dropped: as the ordinary plan does, from the time at which each may be used. */
function toChannelPlans({ type, now }: PlanQuestion, timed: readonly TimedVerdict[]): NotificationPlan['channels'] {
  const left = timed.filter(({ verdict }) => verdict.verdict !== 'drop');
  const plans = planNotification(
    type,
    left.map(({ verdict }) => verdict.channel),
    now,
  );
  const { firstOf } = type;
  // Channels that are tried one after the other wait for the first; their claims ask about their own time.
  const first = (left[0]?.dueAt ?? now) - now;
  return plans.map((plan, index): ChannelPlan => {
    const { verdict, dueAt } = left[index] as TimedVerdict;
    const wait = firstOf ? first : dueAt - now;
    const isHeld = wait > 0 && plan.holdCode === null;
    return {
      ...plan,
      dueAt: plan.dueAt + wait,
      retryUntil: plan.retryUntil + wait,
      holdCode: isHeld ? verdict.code : plan.holdCode,
      ...(verdict.verdict === 'hold' && { verdict }),
    };
  });
}
