/**
 * The plan of one channel: whether it may be used, and from when. The policies are asked in the order of docs/preferences.md;
 * the first that decides ends the first stage.
 */

import { hashText } from '../lib/text/hash-text.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { PlanQuestion, Verdict } from '../model/plan.ts';
import type { PlanCode } from '../model/plan-codes.ts';
import { findHoursEnd } from '../time/hours.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import type { Answer, AskPolicy } from './answer.ts';
import { askAudience } from './policies/audience.ts';
import { findCap, findFreeSlot } from './policies/caps.ts';
import { askConsent } from './policies/consent.ts';
import { askDuplicate } from './policies/duplicate.ts';
import { type FoundDigest, findDigest } from './policies/frequency.ts';
import { type ClosedHours, findNextClosed } from './policies/hours.ts';
import { findLegalHours } from './policies/legal-hours.ts';
import { askLock } from './policies/lock.ts';
import { findPause } from './policies/pause.ts';
import { findQuietHours } from './policies/quiet-hours.ts';
import { askRequired } from './policies/required.ts';
import { askTenantDefault } from './policies/tenant-default.ts';
import { askUserOff } from './policies/user-off.ts';
import { askUserOn } from './policies/user-on.ts';

/** Lines 4 to 9 and 11 of the order of precedence. Line 10 always decides. */
const MAY_IT_GO: readonly AskPolicy[] = [askConsent, askRequired, askAudience, askLock, askUserOff, askUserOn];

/** Longest hold in ms: what must wait longer is dropped. */
const MAX_HOLD_MS: Millis = 14 * DAY_MS;
/** Hours that may follow one another before a message can go, at most. */
const MAX_MOVES = 64;

/** A verdict, and of one that holds when the message is due; of one that folds when its digest is. */
export interface TimedVerdict {
  readonly verdict: Verdict;
  readonly dueAt: Millis;
}

/** Returns whether a notification may go to its user on a channel, and which policy says so. Time does not matter. */
export function askWhetherItMayGo(question: PlanQuestion, channel: Channel): Answer {
  if (CHANNEL_DESCRIPTORS[channel].isForOthers) {
    return { verdict: 'go', code: 'default_on', level: 'not for the user', value: 'on' };
  }
  for (const ask of MAY_IT_GO) {
    const answer = ask(question, channel);
    if (answer) return answer;
  }
  return askTenantDefault(question, channel);
}

/** Returns the verdict of all policies on one channel. */
export function planChannel(question: PlanQuestion, channel: Channel): TimedVerdict {
  const { now } = question;
  const answer = askWhetherItMayGo(question, channel);
  if (answer.verdict === 'drop' || CHANNEL_DESCRIPTORS[channel].isForOthers) {
    return { verdict: toVerdict(channel, answer), dueAt: now };
  }
  return planTime(question, channel, answer);
}

function toVerdict(channel: Channel, { verdict, code, level, value, since }: Answer): Verdict {
  return { channel, verdict, code, level, value, since: since === undefined ? null : isoTime(since) };
}

/** Lines 12 to 18: when it may go. What is folded does not wait for hours: its digest does. */
function planTime(question: PlanQuestion, channel: Channel, answer: Answer): TimedVerdict {
  const { now, type } = question;
  const duplicate = askDuplicate(question, channel);
  if (duplicate) return { verdict: toVerdict(channel, duplicate), dueAt: now };
  const digest = findDigest(question, channel);
  if (digest) return planFold(question, channel, digest);
  const found = findTime(question, channel);
  const { dueAt, by } = found;
  if (!by) return { verdict: toVerdict(channel, answer), dueAt: now };
  const said = { channel, level: by.level, value: by.value, since: by.since === undefined ? null : isoTime(by.since) };
  if (type.whenHeld === 'drop')
    return { verdict: { verdict: 'drop', code: 'quiet_hours_dropped', ...said }, dueAt: now };
  if (isTooLate(question, dueAt)) return { verdict: { verdict: 'drop', code: 'would_expire', ...said }, dueAt: now };
  return { verdict: { verdict: 'hold', code: by.code, ...said, until: isoTime(dueAt) }, dueAt };
}

/** A policy that a message waits for. */
type Waited = Pick<ClosedHours, 'level' | 'value' | 'since'> & { readonly code: PlanCode };

/**
 * Returns the first time at which a pause, hours and the cap of the channel let a message go, and what it waited for: the pause, if only hours
 * follow it, else the last of them.
 */
function findTime(question: PlanQuestion, channel: Channel): { dueAt: Millis; by: Waited | undefined } {
  const { now } = question;
  const closed = [...findLegalHours(question, channel), ...findQuietHours(question, channel)];
  const cap = findCap(question, channel);
  const pause = findWaitedPause(question, channel);
  let dueAt = pause?.until ?? now;
  let by: Waited | undefined = pause;
  for (let round = 0; round < MAX_MOVES; round++) {
    const open = findOpenTime(dueAt, closed);
    if (open.by) {
      by = pause ?? open.by;
      if (open.dueAt - now > MAX_HOLD_MS) return { dueAt: open.dueAt, by };
      dueAt = open.dueAt + spreadHold(question, open.dueAt, closed);
    }
    if (!cap) return { dueAt, by };
    const slot = findFreeSlot(question, channel, cap, dueAt, now + MAX_HOLD_MS);
    if (slot.dueAt === dueAt) return { dueAt, by };
    dueAt = slot.dueAt;
    by = { code: 'rate_limited', level: `tenant: cap of ${channel}`, value: slot.value ?? '' };
    if (dueAt - now > MAX_HOLD_MS) return { dueAt, by };
  }
  return { dueAt: Number.POSITIVE_INFINITY, by };
}

function findWaitedPause(question: PlanQuestion, channel: Channel): (Waited & { readonly until: Millis }) | undefined {
  const pause = findPause(question, channel);
  if (!pause) return undefined;
  const { until, reason, since } = pause;
  return { until, code: 'paused', level: 'user: pause', value: `the pause of messages (${reason})`, since };
}

/** Whether what is due then would have expired, or have waited for too long. */
function isTooLate({ now, expiresAt }: PlanQuestion, dueAt: Millis): boolean {
  return dueAt - now > MAX_HOLD_MS || (expiresAt !== null && dueAt >= expiresAt);
}

function planFold(question: PlanQuestion, channel: Channel, digest: FoundDigest): TimedVerdict {
  const { dueAt, level, value, since } = digest;
  const said = { channel, level, value, since: since === undefined ? null : isoTime(since) };
  if (isTooLate(question, dueAt)) {
    return { verdict: { verdict: 'drop', code: 'would_expire', ...said }, dueAt: question.now };
  }
  return { verdict: { verdict: 'fold', code: 'folded', ...said, until: isoTime(dueAt) }, dueAt };
}

/** Returns the first time at which none of these hours are, and the last of them that the message waited for. */
function findOpenTime(now: Millis, closed: readonly ClosedHours[]): { dueAt: Millis; by: ClosedHours | undefined } {
  let dueAt = now;
  let by: ClosedHours | undefined;
  for (let move = 0; move < MAX_MOVES; move++) {
    const before = dueAt;
    for (const hours of closed) {
      const end = findHoursEnd(dueAt, hours);
      if (end !== undefined && end > dueAt) [dueAt, by] = [end, hours];
    }
    if (dueAt === before) return { dueAt, by };
  }
  // Together they leave no time open.
  return { dueAt: Number.POSITIVE_INFINITY, by };
}

/**
 * Returns how long after the end of the hours the message is due: many users have the same hours. Always the same for a user,
 * and before the next hours begin and the message expires.
 */
function spreadHold({ policy, user, expiresAt }: PlanQuestion, from: Millis, closed: readonly ClosedHours[]): Millis {
  if (policy.holdSpread === 0) return 0;
  const room = Math.min(
    policy.holdSpread,
    findNextClosed(from, closed) - from,
    (expiresAt ?? Number.POSITIVE_INFINITY) - from,
  );
  return hashText(`hold ${user.userId}`) % Math.max(1, Math.floor(room));
}
