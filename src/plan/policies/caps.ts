import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { CAP_LOOK_BACK_MS, MAX_CAP_USES, type PlanQuestion, toCapKey } from '../../model/plan.ts';
import type { Cap } from '../../model/preferences.ts';
import { toEdgeInstant, toLocalTime } from '../../time/calendar.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import { findTenantZone, findUserZone } from './hours.ts';

/** The first time at which the cap of a channel has room, and the part of the cap that was full until then. */
export interface FreeSlot {
  /** Infinity: no time within the longest hold has room. */
  readonly dueAt: Millis;
  /** As a user reads it: `2 per minute`. Undefined: there is room at once. */
  readonly value: string | undefined;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Moves of one message, at most: more than there are uses within the longest hold. */
const MAX_MOVES = 2 * MAX_CAP_USES;

/** Returns the cap that holds for a message on a channel; undefined: none does, or the message passes it. */
export function findCap({ policy, type, isUrgent, capUses }: PlanQuestion, channel: Channel): Cap | undefined {
  const cap = policy.caps[channel];
  if (!cap || !capUses) return undefined;
  return policy.capsPass.includes(type.category) || (isUrgent && policy.capsPass.includes('URGENT')) ? undefined : cap;
}

/**
 * Line 16: returns the first time from `from` on at which one more message fits into the cap. A minute and an hour are any span
 * of that length, a day is one of the calendar in the zone of the user.
 * @param until looks no further
 */
export function findFreeSlot(
  question: PlanQuestion,
  channel: Channel,
  cap: Cap,
  from: Millis,
  until: Millis,
): FreeSlot {
  const uses = question.capUses?.(toCapKey(channel));
  if (!uses) return { dueAt: from, value: undefined };
  if (uses.between(question.now - CAP_LOOK_BACK_MS, Number.POSITIVE_INFINITY).length >= MAX_CAP_USES) {
    return { dueAt: Number.POSITIVE_INFINITY, value: `${MAX_CAP_USES} messages that wait` };
  }
  const spans = listSpans(cap);
  const { zone } = findUserZone(question) ?? findTenantZone(question);
  let dueAt = from;
  let value: string | undefined;
  for (let move = 0; move < MAX_MOVES && dueAt <= until; move++) {
    const before = dueAt;
    for (const span of spans) {
      const next = findEndOfFull(uses, span, dueAt);
      if (next > dueAt) [dueAt, value] = [next, span.text];
    }
    const { perDay } = cap;
    const nextDay = perDay === undefined ? undefined : findEndOfDay(uses, perDay, dueAt, zone);
    if (nextDay !== undefined) [dueAt, value] = [nextDay, `${perDay} per day in ${zone}`];
    if (dueAt === before) return { dueAt, value };
  }
  return { dueAt: Number.POSITIVE_INFINITY, value };
}

type Uses = NonNullable<ReturnType<NonNullable<PlanQuestion['capUses']>>>;

/** A number of messages within any span of a length. */
interface Span {
  readonly max: number;
  readonly length: Millis;
  readonly text: string;
}

/** `burst` messages may come at once, and then none until the shortest period would have let that many come one by one. */
function listSpans({ perMinute, perHour, perDay, burst }: Cap): readonly Span[] {
  const shortest: readonly [max: number | undefined, length: Millis][] = [
    [perMinute, MINUTE_MS],
    [perHour, HOUR_MS],
    [perDay, DAY_MS],
  ];
  const [rate, period] = shortest.find(([max]) => max !== undefined) ?? [undefined, MINUTE_MS];
  return [
    ...(burst !== undefined && rate !== undefined && burst < rate
      ? [{ max: burst, length: Math.ceil((period / rate) * burst), text: `${burst} at once` }]
      : []),
    ...(perMinute === undefined ? [] : [{ max: perMinute, length: MINUTE_MS, text: `${perMinute} per minute` }]),
    ...(perHour === undefined ? [] : [{ max: perHour, length: HOUR_MS, text: `${perHour} per hour` }]),
  ];
}

/** Returns when the spans around a time have room again; the time itself if they have. */
function findEndOfFull(uses: Uses, { max, length }: Span, time: Millis): Millis {
  const near = uses.between(time - length + 1, time + length - 1);
  for (let index = near.length - max; index >= 0; index--) {
    const first = Math.min((near[index] as { at: Millis }).at, time);
    const last = Math.max((near[index + max - 1] as { at: Millis }).at, time);
    // From there on, none of these spans has the first of these messages in it.
    if (last - first < length) return (near[index] as { at: Millis }).at + length;
  }
  return time;
}

/** Returns when the next day begins, if this one is full. */
function findEndOfDay(uses: Uses, max: number, time: Millis, zone: string): Millis | undefined {
  const today = Math.floor((toLocalTime(time, zone) ?? time) / DAY_MS) * DAY_MS;
  const begin = toEdgeInstant(today, zone, 'first');
  const end = toEdgeInstant(today + DAY_MS, zone, 'first');
  return uses.between(begin, end - 1).length >= max ? end : undefined;
}
