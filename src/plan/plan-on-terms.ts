import { getPriorityNumber, URGENT_PRIORITY } from '../model/delivery.ts';
import type { DirectPart } from '../model/direct.ts';
import {
  type ChannelPlan,
  type NotificationPlan,
  type PlanOnTerms,
  type PlanQuestion,
  toCapKey,
} from '../model/plan.ts';
import { describeVerdicts } from './describe-verdicts.ts';
import { findExpiry, planNotification, selectChannels } from './plan.ts';
import { findCap } from './policies/caps.ts';
import { planChannel, type TimedVerdict } from './verdicts.ts';

/** See `PlanOnTerms`. What is held is retried from its due time on; when it expires does not change. */
export const planOnTerms: PlanOnTerms = (asked, only, direct) => {
  const { type, now } = asked;
  const question: PlanQuestion = {
    ...asked,
    channels: selectChannels(type, direct?.channels ?? only),
    isUrgent: getPriorityNumber(direct?.priority ?? type.priority) === URGENT_PRIORITY,
    expiresAt: findExpiry(type, now, direct?.expiresAt),
    // A digest shows what its template makes of the items, and not the content that a request brings.
    folding: direct?.content === undefined ? asked.folding : undefined,
  };
  const timed = planChannels(question);
  const verdicts = timed.map(({ verdict }) => verdict);
  const reserved = toReservations(question, timed);
  const isOrdinary = verdicts.every(({ verdict }) => verdict === 'go');
  if (isOrdinary && reserved.length === 0) return undefined;
  return {
    channels: toChannelPlans(question, timed, direct),
    folds: toFolds(question, timed),
    reserved,
    verdicts: isOrdinary ? [] : verdicts,
    text: describeVerdicts(verdicts),
  };
};

/**
 * Plans each channel. Caps hold only the first of those that are tried one after the other; these are folded together, or not
 * at all.
 */
function planChannels(question: PlanQuestion): readonly TimedVerdict[] {
  if (!question.type.firstOf) return question.channels.map((channel) => planChannel(question, channel));
  let isFirst = true;
  const timed = question.channels.map((channel) => {
    const planned = planChannel(isFirst ? question : { ...question, capUses: undefined }, channel);
    if (planned.verdict.verdict !== 'drop') isFirst = false;
    return planned;
  });
  const left = timed.filter(({ verdict }) => verdict.verdict !== 'drop');
  const isMixed = left.some(({ verdict }) => verdict.verdict === 'fold') && !left.every(isFolded);
  return isMixed ? planChannels({ ...question, folding: undefined }) : timed;
}

/**
 * Returns the places that the message has in the ledger of limits: under caps, where of channels that are tried one after the
 * other the first takes one; and one for its content on each channel.
 */
function toReservations(question: PlanQuestion, timed: readonly TimedVerdict[]): NotificationPlan['reserved'] {
  const left = timed.filter(({ verdict }) => verdict.verdict === 'go' || verdict.verdict === 'hold');
  const { type, dedupe } = question;
  const ofCaps = (type.firstOf ? left.slice(0, 1) : left)
    .filter(({ verdict }) => findCap(question, verdict.channel))
    .map(({ verdict, dueAt }) => ({ limitKey: toCapKey(verdict.channel), at: dueAt }));
  if (!dedupe) return ofCaps;
  const kept = timed.filter(({ verdict }) => verdict.verdict !== 'drop');
  return [...ofCaps, ...kept.flatMap(({ verdict }) => dedupe.reserve(verdict.channel) ?? [])];
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

/**
 * Plans the channels that are neither folded nor dropped: as the ordinary plan does, from the time at which each may be used.
 */
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
