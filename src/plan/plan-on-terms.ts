import { getPriorityNumber, PRIORITIES } from '../model/delivery.ts';
import type { DirectPart } from '../model/direct.ts';
import type { ChannelPlan, NotificationPlan, PlanOnTerms, PlanQuestion } from '../model/plan.ts';
import { describeVerdicts } from './describe-verdicts.ts';
import { findExpiry, planNotification, selectChannels } from './plan.ts';
import { planChannel, type TimedVerdict } from './verdicts.ts';

/** The priority of messages that do not wait for quiet hours. */
const URGENT = getPriorityNumber(PRIORITIES[0]);

/** See `PlanOnTerms`. What is held is retried from its due time on; when it expires does not change. */
export const planOnTerms: PlanOnTerms = (asked, only, direct) => {
  const { type, now } = asked;
  const question: PlanQuestion = {
    ...asked,
    channels: selectChannels(type, direct?.channels ?? only),
    isUrgent: getPriorityNumber(direct?.priority ?? type.priority) === URGENT,
    expiresAt: findExpiry(type, now, direct?.expiresAt),
    // A digest shows what its template makes of the items, and not the content that a request brings.
    folding: direct?.content === undefined ? asked.folding : undefined,
  };
  const timed = planChannels(question);
  const verdicts = timed.map(({ verdict }) => verdict);
  if (verdicts.every(({ verdict }) => verdict === 'go')) return undefined;
  return {
    channels: toChannelPlans(question, timed, direct),
    folds: toFolds(question, timed),
    verdicts,
    text: describeVerdicts(verdicts),
  };
};

/** Channels that are tried one after the other are folded together, or not at all. */
function planChannels(question: PlanQuestion): readonly TimedVerdict[] {
  const timed = question.channels.map((channel) => planChannel(question, channel));
  if (!question.type.firstOf) return timed;
  const left = timed.filter(({ verdict }) => verdict.verdict !== 'drop');
  const isMixed = left.some(({ verdict }) => verdict.verdict === 'fold') && !left.every(isFolded);
  return isMixed ? planChannels({ ...question, folding: undefined }) : timed;
}

function isFolded({ verdict }: TimedVerdict): boolean {
  return verdict.verdict === 'fold';
}

function toFolds({ type }: PlanQuestion, timed: readonly TimedVerdict[]): NotificationPlan['folds'] {
  const folded = timed.filter(isFolded);
  const [first] = folded;
  if (!first) return [];
  const channels = folded.map(({ verdict }) => verdict.channel);
  return type.firstOf
    ? [{ channels, dueAt: first.dueAt }]
    : folded.map(({ verdict, dueAt }) => ({ channels: [verdict.channel], dueAt }));
}

/** Plans the channels that are neither folded nor dropped: as the ordinary plan does, from the time at which each may be used. */
function toChannelPlans(
  { type, now }: PlanQuestion,
  timed: readonly TimedVerdict[],
  direct: DirectPart | undefined,
): NotificationPlan['channels'] {
  const left = timed.filter(({ verdict }) => verdict.verdict !== 'drop' && verdict.verdict !== 'fold');
  const channels = left.map(({ verdict }) => verdict.channel);
  const plans = planNotification(type, undefined, now, { ...direct, channels });
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
