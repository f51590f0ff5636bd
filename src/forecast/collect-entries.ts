import type { Hold } from '../explain/holds.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Decision } from '../model/decision.ts';
import { DIRECT_RULE, TEST_RULE } from '../model/direct.ts';
import { getFoldedType } from '../model/frequency.ts';
import type { Verdict } from '../model/plan.ts';
import { describeVerdict } from '../plan/describe-verdicts.ts';
import type { Wait } from '../rules/facts.ts';
import { describeEmitted, describeOccurrence, describeWait } from './describe-cause.ts';
import type { ForecastChannel, ForecastEntry, ForecastSource } from './entry.ts';
import type { ForecastInstant } from './simulate-user.ts';

/** The cause of a decision, in the fields of its entry. */
type Cause = Pick<ForecastEntry, 'source' | 'certainty' | 'why' | 'waitId'>;

/** Returns what holds a message that is decided, until someone acts, as things are now; undefined: nothing does. */
export type FindPause = (
  notification: ForecastInstant['batch']['notifications'][number],
  delivery: ForecastInstant['batch']['deliveries'][number],
) => Hold | undefined;

/** Returns the messages that are decided at an instant, and those that something holds back. */
export function collectEntries(instant: ForecastInstant, findPause: FindPause): ForecastEntry[] {
  const { at, occurrence, batch } = instant;
  const entries: ForecastEntry[] = [];
  for (const { wait, decisions } of batch.waits) {
    if (decisions.length === 0) continue;
    const isSchedule = wait.kind === 'every';
    const cause: Cause = {
      ...(isSchedule && occurrence
        ? { source: 'schedule', certainty: 'if_nothing_else_happens', why: describeOccurrence(occurrence) }
        : { ...certaintyOf(wait), why: describeWait(wait) }),
      waitId: isSchedule ? null : wait.waitId,
    };
    // A wait that is shown as open has an entry also if it sends nothing; an occurrence has no entry then.
    const shown = decisions.filter((decision) => isShown(decision) || (!isSchedule && isNotSent(decision)));
    entries.push(...shown.flatMap((decision) => toEntry(instant, decision, cause, findPause)));
  }
  for (const { event, decisions } of batch.events) {
    const why = describeEmitted(event, at);
    const cause: Cause = { source: 'event', certainty: 'if_nothing_else_happens', why, waitId: null };
    entries.push(...decisions.filter(isShown).flatMap((decision) => toEntry(instant, decision, cause, findPause)));
  }
  return entries;
}

function isShown({ outcome }: Decision): boolean {
  return outcome === 'send' || outcome === 'suppressed' || outcome === 'failed';
}

function isNotSent({ outcome }: Decision): boolean {
  return outcome === 'not_matched';
}

function certaintyOf({ rule }: Wait): { source: ForecastSource } & Pick<Cause, 'certainty'> {
  if (isOfRequest(rule)) return { source: 'request', certainty: 'scheduled' };
  const certainty = getFoldedType(rule) === undefined ? 'if_nothing_else_happens' : 'scheduled';
  return { source: 'wait', certainty };
}

export function isOfRequest(rule: string): boolean {
  return rule === DIRECT_RULE || rule === TEST_RULE;
}

function toEntry(
  { at, batch }: ForecastInstant,
  decision: Decision,
  cause: Cause,
  findPause: FindPause,
): ForecastEntry[] {
  const { notification_type: type, notification_id: id, rule, outcome, reason_code: code, reason, evidence } = decision;
  const verdicts = evidence.plan ?? [];
  const planned = id === null ? [] : batch.deliveries.filter(({ notificationId }) => notificationId === id);
  const notification = batch.notifications.find(({ notificationId }) => notificationId === id);
  const goes = planned.map((one): ForecastChannel => {
    const { channel, dueAt, holdCode } = one;
    const pause = notification && findPause(notification, one);
    if (pause) return { channel, state: 'held', at, code: pause.code, reason: pause.sentence };
    const isHeld = dueAt > at && holdCode !== null && holdCode !== 'fallback';
    const state = holdCode === 'fallback' ? 'fallback' : isHeld ? 'waits' : 'goes';
    const verdict = verdicts.find((found) => found.channel === channel && found.verdict === 'hold');
    const said = verdict && isHeld ? toSentence(verdict) : null;
    return { channel, state, at: dueAt, code: isHeld ? holdCode : null, reason: said };
  });
  const others = verdicts.flatMap((verdict): ForecastChannel[] => {
    const { channel, code: by, until } = verdict;
    if (verdict.verdict === 'fold')
      return [{ channel, state: 'digest', at: Date.parse(until ?? ''), code: by, reason: toSentence(verdict) }];
    return verdict.verdict === 'drop'
      ? [{ channel, state: 'held_back', at, code: by, reason: toSentence(verdict) }]
      : [];
  });
  const channels = [...goes, ...others].filter(({ channel }) => !CHANNEL_DESCRIPTORS[channel].isForOthers);
  // It goes to operators or to other programs.
  if (outcome === 'send' && channels.length === 0) return [];
  const { sent, isSure, held } = summarize(channels);
  const isSent = outcome === 'send' && sent.length > 0;
  return [
    {
      at: isSent ? Math.min(...sent.map((one) => one.at)) : at,
      type,
      rule: isOfRequest(rule) ? null : getFoldedType(rule) === undefined ? rule : null,
      ...cause,
      ...(isSent && !isSure && { certainty: 'if_nothing_else_happens' as const }),
      notificationId: null,
      outcome: isSent ? 'send' : 'held_back',
      code: isSent ? code : (held?.code ?? code),
      reason: isSent ? reason : (held?.reason ?? reason),
      channels,
    },
  ];
}

/** Returns a verdict of the plan as a sentence. */
export function toSentence(verdict: Verdict): string {
  const text = describeVerdict(verdict);
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** Sums the channels of a message up. */
export function summarize(channels: readonly ForecastChannel[]): {
  /** Channels by which it goes; if that is not sure, the ones that are tried after others. */
  readonly sent: readonly ForecastChannel[];
  readonly isSure: boolean;
  /** The first one that waits until someone acts. */
  readonly held: ForecastChannel | undefined;
} {
  const sure = channels.filter(({ state }) => state === 'goes' || state === 'waits');
  const isSure = sure.length > 0;
  return {
    sent: isSure ? sure : channels.filter(({ state }) => state === 'fallback'),
    isSure,
    held: channels.find(({ state }) => state === 'held'),
  };
}
