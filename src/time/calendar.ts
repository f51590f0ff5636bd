import { Cron } from 'croner';
import { LRUCache } from 'lru-cache';
import type { Zone as LuxonZone } from 'luxon';
import type { At, Zone } from '../model/catalog.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { DAY_MS, FIRST_TIME, isoTime, LAST_TIME, parseDate } from './iso-time.ts';
import { parseTimestamp } from './timestamp.ts';
import { findZone, UTC } from './zone.ts';

/*
 * Conversion between instants and local times. A local time that a clock change skips is moved forward by the change
 * (02:30 becomes 03:30); one that occurs twice means its first occurrence. An unknown zone is treated as UTC.
 */

/**
 * Returns the zone name that applies to a user: `zone` itself, or for `user` the trait `time_zone`, or UTC if that is missing
 * or unknown.
 */
export function resolveZone(zone: Zone, user: JsonObject): string {
  if (zone !== 'user') return zone;
  const own = user.time_zone;
  return typeof own === 'string' && findZone(own) !== undefined ? own : 'UTC';
}

/**
 * Returns the canonical name of a zone, or UTC for an unknown one. Zone names are case-insensitive, and schedules are stored
 * per zone name, so that every spelling must map to one name.
 */
export function canonicalZone(zone: string): string {
  return (findZone(zone) ?? UTC).name;
}

/** Returns the local date, `2025-10-31`, clamped to the years 1 to 9999. */
export function formatDate(time: Millis, zone: string): string {
  return toFixedIso(toLocal(time, getZone(zone))).slice(0, 10);
}

/**
 * Returns the first time after `after` at which a five-field cron pattern is due, or null if no time matches before the
 * year 10000.
 *
 * A named time of day is due once each day: the first time if the clock shows it twice, after the gap if the clock skips it.
 * An interval (`isInterval`) goes on through a clock change: with a step or wildcard of hours, by the clock before the change
 * for as long as the change; with one of minutes only, whenever the clock shows a matching time. A pause is
 * longer than the interval at most by the length of the change, and never if the interval divides that length.
 */
export function nextOccurrence(cron: string, zone: string, after: Millis): Millis | null {
  const pattern = patterns.get(cron) ?? compilePattern(cron);
  if (!pattern.ever || after >= LAST_TIME) return null;
  const where = getZone(zone);
  const list = isHourInterval(cron) ? listByOldClock : isInterval(cron) ? listShown : listFirst;
  const start = clampToEventYears(after);
  // Skipped local times are moved behind later ones: start early enough to find them.
  let local: Millis | null = start + Math.min(...getOffsetsAround(start, where));
  let next: Millis | null = null;
  while (true) {
    local = findLocalAfter(pattern, local);
    if (local === null) break;
    const offsets = getOffsetsAround(local, where);
    // No later local time is due before this one, whichever offset applies to it.
    if (next !== null && local - Math.max(...offsets) >= next) break;
    for (const time of list(local, offsets, where)) {
      if (time > after && (next === null || time < next)) next = time;
    }
    if (next !== null && offsets[0] === offsets[1]) break;
  }
  return next === null || next > LAST_TIME ? null : next;
}

/**
 * Whether a cron pattern is an interval, such as `0 * * * *` or a quarter of an hour, and not a list of times of day: its
 * minute or hour is a step or a wildcard.
 */
function isInterval(cron: string): boolean {
  return /[*/]/.test(cron.split(' ', 2).join(' '));
}

function isHourInterval(cron: string): boolean {
  return /[*/]/.test(cron.split(' ', 2)[1] ?? '');
}

type Offsets = readonly [before: Millis, after: Millis];

function listFirst(local: Millis, _offsets: Offsets, zone: LuxonZone): readonly Millis[] {
  return [toInstant(local, zone).time];
}

/** Returns the times at which the clock shows a local time, or the one after the gap if the clock skips it. */
function listShown(local: Millis, offsets: Offsets, zone: LuxonZone): readonly Millis[] {
  const { time } = toInstant(local, zone);
  const second = local - offsets[1];
  return second > time && getOffset(second, zone) === offsets[1] ? [time, second] : [time];
}

/** Returns the times at which a clock shows a local time that follows a change only after the length of the change. */
function listByOldClock(local: Millis, [before, after]: Offsets, zone: LuxonZone): readonly Millis[] {
  if (before === after) return [local - before];
  const followed = findChange(local - DAY_MS, local + DAY_MS, zone) + Math.abs(after - before);
  return [
    ...(local - before < followed ? [local - before] : []),
    ...(local - after >= followed ? [local - after] : []),
  ];
}

/** Returns the first time at which the offset of `until` applies. The two offsets differ, and one change lies between. */
function findChange(from: Millis, until: Millis, zone: LuxonZone): Millis {
  const target = getOffset(until, zone);
  let [low, high] = [from, until];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (getOffset(middle, zone) === target) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * Returns the local time of an occurrence, `2025-11-03T09:00`; equal local times in different zones give the same key, so
 * that a user who moves does not get Monday 09:00 twice. For an interval the key is the time itself, `2025-11-02T06:00Z`,
 * since the clock may show a local time twice.
 *
 * @param cron the pattern of the occurrence; without one, the local time is returned
 */
export function formatLocalTimeKey(time: Millis, zone: string, cron = ''): string {
  if (isInterval(cron)) return `${toFixedIso(time).slice(0, 16)}Z`;
  return toFixedIso(toLocal(time, getZone(zone))).slice(0, 16);
}

/**
 * Returns the time at which `at` is due, clamped to the years 1 to 9999.
 * @param base value of the field; without a field the time counted from, and then the result is never before it
 */
export function resolveTimeExpression(at: At, zone: string, base: Millis): Millis {
  const from = clampToEventYears(base + at.offset);
  if (at.timeOfDay === undefined) return from;
  const where = getZone(zone);
  const date = Math.floor(toLocal(from, where) / DAY_MS) * DAY_MS;
  const timeOfDay = at.timeOfDay * 60_000;
  if (at.field !== undefined) return clampToEventYears(toInstant(date + timeOfDay, where).time);
  // Starts on the day before: a clock change at midnight can move the last hour of that day into this one.
  for (let day = date - DAY_MS; day <= date + 8 * DAY_MS; day += DAY_MS) {
    if (at.weekday !== undefined && at.weekday !== getWeekday(day)) continue;
    const { time } = toInstant(day + timeOfDay, where);
    if (time >= from) return clampToEventYears(time);
  }
  return from;
}

/**
 * Returns the time at which `at` is due if its field is a date, `2025-11-20`: at its time of day, or the midnight at the start
 * of the day, in the zone. A day of the offset is a calendar day. Returns undefined if the text is not a date.
 */
export function resolveDateExpression(at: At, zone: string, date: string): Millis | undefined {
  const start = parseDate(date);
  if (start === undefined) return undefined;
  const local = start + at.offset;
  const shown = at.timeOfDay === undefined ? local : Math.floor(local / DAY_MS) * DAY_MS + at.timeOfDay * 60_000;
  return clampToEventYears(toInstant(clampToEventYears(shown), getZone(zone)).time);
}

/**
 * Returns the instant of a local time, `2026-12-01T09:00`, with seconds or without. One that the clock skips is as much later;
 * of one that it shows twice, the first. Undefined: it is no such time, or the zone is unknown.
 */
export function resolveLocalTime(local: string, zone: string): Millis | undefined {
  const known = findZone(zone);
  const shown = LOCAL_TIME.test(local) ? parseTimestamp(`${local}Z`) : undefined;
  if (!known || !shown || 'problem' in shown) return undefined;
  return clampToEventYears(toInstant(shown.time, known.zone).time);
}

const LOCAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

/** Returns the time in ISO 8601 with fixed width, clamped to the years 1 to 9999; bytewise order equals order in time. */
export function toFixedIso(time: Millis): string {
  return isoTime(clampToEventYears(time));
}

/** Clamps a time to the years 1 to 9999. Event times lie in this range, but a window around one may exceed it. */
export function clampToEventYears(time: Millis): Millis {
  return Math.min(Math.max(time, FIRST_TIME), LAST_TIME);
}

/**
 * Returns the instant at which a clock in UTC shows what a clock in the zone shows at `time`; undefined if the zone is
 * unknown.
 */
export function toLocalTime(time: Millis, zone: string): Millis | undefined {
  const known = findZone(zone);
  return known && toLocal(time, known.zone);
}

/**
 * Returns the first or the last instant at which a clock in the zone shows a local time; of one that a clock change skips, the
 * first instant after the change.
 * @param local as `toLocalTime` returns it
 */
export function toEdgeInstant(local: Millis, zone: string, edge: 'first' | 'last'): Millis {
  const where = getZone(zone);
  const { time, exists } = toInstant(local, where);
  if (!exists) return findChange(local - DAY_MS, local + DAY_MS, where);
  if (edge === 'first') return time;
  const second = local - getOffsetsAround(local, where)[1];
  return second > time && toLocal(second, where) === local ? second : time;
}

/*
 * A local time is represented as the instant at which a UTC clock shows the same digits.
 */

function toLocal(time: Millis, zone: LuxonZone): Millis {
  return time + getOffset(time, zone);
}

/** Returns the instant of a local time, and whether the local clock ever shows that time. */
function toInstant(local: Millis, zone: LuxonZone): { readonly time: Millis; readonly exists: boolean } {
  const [before, after] = getOffsetsAround(local, zone);
  const first = local - before;
  if (before === after || getOffset(first, zone) === before) return { time: first, exists: true };
  const second = local - after;
  // The offset before the change moves a skipped local time forward by the length of the change.
  return getOffset(second, zone) === after ? { time: second, exists: true } : { time: first, exists: false };
}

/** Returns the offsets a day before and after. Clock changes are weeks apart, so a relevant change lies between the two. */
function getOffsetsAround(time: Millis, zone: LuxonZone): Offsets {
  return [getOffset(time - DAY_MS, zone), getOffset(time + DAY_MS, zone)];
}

function getOffset(time: Millis, zone: LuxonZone): Millis {
  // Offsets before the introduction of standard time have fractions of a minute.
  return Math.round(zone.offset(time) * 60_000);
}

function getWeekday(local: Millis): number {
  return new Date(local).getUTCDay() || 7;
}

function getZone(name: string): LuxonZone {
  return (findZone(name) ?? UTC).zone;
}

interface Pattern {
  readonly cron: Cron | undefined;
  /** False for a pattern that is never due, such as 31 February. */
  readonly ever: boolean;
}

function compilePattern(cron: string): Pattern {
  let pattern: Pattern = { cron: undefined, ever: false };
  try {
    // An offset instead of a zone: with a zone, even UTC, croner calls Intl for each time and is twenty times slower.
    pattern = { cron: new Cron(cron, { mode: '5-part', utcOffset: 0 }), ever: true };
    pattern = { ...pattern, ever: findLocalAfter(pattern, ERA_START) !== null };
  } catch {
    // The catalog rejects such patterns, so an active rule never has one.
  }
  patterns.set(cron, pattern);
  return pattern;
}

/** A small cache, because croner keeps a list of ten thousand years per pattern. */
const patterns = new LRUCache<string, Pattern>({ max: 100 });

/**
 * Returns the first local time after `local` that matches, or null. Croner reads the year 50 as 1950 and stops at 3000;
 * the calendar, weekdays included, repeats every 400 years, so croner is asked about the equivalent year in 2000 to 2399.
 */
function findLocalAfter({ cron }: Pattern, local: Millis): Millis | null {
  const eras = Math.floor((local - ERA_START) / ERA_LENGTH_MS) * ERA_LENGTH_MS;
  try {
    const next = cron?.nextRun(new Date(local - eras));
    return next ? next.getTime() + eras : null;
  } catch (error) {
    // Croner recurses until the stack overflows for a day that does not exist (31 April or June).
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const ERA_START = Date.parse('2000-01-01T00:00:00Z');
const ERA_LENGTH_MS = 146_097 * DAY_MS;
