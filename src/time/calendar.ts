import { Cron } from 'croner';
import { LRUCache } from 'lru-cache';
import { FixedOffsetZone, IANAZone, type Zone as LuxonZone } from 'luxon';
import type { At, Zone } from '../model/catalog.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { DAY, FIRST_TIME, isoTime, LAST_TIME } from './iso-time.ts';

/**
 * Local times and the moments they name. A local time that a clock change leaves out is moved forward by the change
 * (02:30 becomes 03:30); one that comes twice is meant the first time. An unknown zone is UTC.
 */

/** The zone's name for this person. The zone of a person whose `time_zone` is missing or unknown is UTC. */
export function resolveZone(zone: Zone, user: JsonObject): string {
  if (zone !== 'user') return zone;
  const own = user.time_zone;
  return typeof own === 'string' && knownZone(own) !== undefined ? own : 'UTC';
}

/**
 * One name for each zone, in whatever letters it is spelt: a zone has as many spellings as its letters have cases, and each
 * name is looked after by itself where rules act by local time.
 */
export function canonicalZone(zone: string): string {
  return zoneNamed(zone).name;
}

/** The local date, `2025-10-31`; held between the years 1 and 9999. */
export function formatDate(time: Millis, zone: string): string {
  return instant(localIn(time, zoneNamed(zone))).slice(0, 10);
}

/**
 * The first time after `after` at which a cron pattern of five fields is due, or null when there is none before the
 * year 10000. Each local time is due once: a quarter-hourly pattern is silent in an hour that comes a second time, and
 * what falls into an hour that is left out joins what is due in the next one.
 */
export function nextOccurrence(cron: string, zone: string, after: Millis): Millis | null {
  const pattern = patterns.get(cron) ?? compiled(cron);
  if (!pattern.ever || after >= LAST_TIME) return null;
  const where = zoneNamed(zone);
  // Left-out local times come after some that are later by the clock: begin early enough to see them.
  let local: Millis | null = storable(after) + Math.min(...offsetsAround(storable(after), where));
  let next: Millis | null = null;
  while (true) {
    local = localAfter(pattern, local);
    if (local === null) break;
    const due = momentOf(local, where);
    if (due.time <= after) continue;
    next = next === null ? due.time : Math.min(next, due.time);
    if (due.exists) break;
  }
  return next === null || next > LAST_TIME ? null : next;
}

/** Names an occurrence by its local time, `2025-11-03T09:00`: the same for the same local time in any zone. */
export function formatLocalTimeKey(time: Millis, zone: string): string {
  return instant(localIn(time, zoneNamed(zone))).slice(0, 16);
}

/**
 * When `at` is due.
 * @param base the value of the field; without a field: the moment counted from, never later than the result
 */
export function resolveTimeExpression(at: At, zone: string, base: Millis): Millis {
  const from = storable(base + at.offset);
  if (at.timeOfDay === undefined) return from;
  const where = zoneNamed(zone);
  const date = Math.floor(localIn(from, where) / DAY) * DAY;
  const timeOfDay = at.timeOfDay * 60_000;
  if (at.field !== undefined) return storable(momentOf(date + timeOfDay, where).time);
  // From the day before: a clock change at midnight can move its last hour into this day.
  for (let day = date - DAY; day <= date + 8 * DAY; day += DAY) {
    if (at.weekday !== undefined && at.weekday !== weekdayOf(day)) continue;
    const { time } = momentOf(day + timeOfDay, where);
    if (time >= from) return storable(time);
  }
  return from;
}

/** ISO 8601 of fixed width, so that bytewise order is order in time. */
export function instant(time: Millis): string {
  return isoTime(storable(time));
}

/** The nearest time from 0001 to 9999: events lie there, a window around one may reach out of it. */
export function storable(time: Millis): Millis {
  return Math.min(Math.max(time, FIRST_TIME), LAST_TIME);
}

/*
 * A local time is kept as the milliseconds at which UTC's clock shows it.
 */

function localIn(time: Millis, zone: LuxonZone): Millis {
  return time + offsetAt(time, zone);
}

/** The moment a local time names, and whether the clock ever shows it. */
function momentOf(local: Millis, zone: LuxonZone): { readonly time: Millis; readonly exists: boolean } {
  const [before, after] = offsetsAround(local, zone);
  const first = local - before;
  if (before === after || offsetAt(first, zone) === before) return { time: first, exists: true };
  const second = local - after;
  // By the old offset, a local time that is left out comes as long after the change as it should have.
  return offsetAt(second, zone) === after ? { time: second, exists: true } : { time: first, exists: false };
}

/** No offset is a day long, and clocks change weeks apart: a change that matters lies between the two. */
function offsetsAround(time: Millis, zone: LuxonZone): readonly [before: Millis, after: Millis] {
  return [offsetAt(time - DAY, zone), offsetAt(time + DAY, zone)];
}

function offsetAt(time: Millis, zone: LuxonZone): Millis {
  // The minutes of the time before standard time have fractions.
  return Math.round(zone.offset(time) * 60_000);
}

function weekdayOf(local: Millis): number {
  return new Date(local).getUTCDay() || 7;
}

function zoneNamed(name: string): LuxonZone {
  return knownZone(name) ?? FixedOffsetZone.utcInstance;
}

/** People name their own zone: the names are bounded here, and luxon, which forgets none, sees each by one spelling. */
function knownZone(name: string): LuxonZone | undefined {
  if (name === 'UTC') return FixedOffsetZone.utcInstance;
  if (name.length > LONGEST_ZONE) return undefined;
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = IANAZone.isValidZone(name)
      ? IANAZone.create(new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone)
      : 'unknown';
    zones.set(name, zone);
  }
  return zone === 'unknown' ? undefined : zone;
}

const zones = new LRUCache<string, LuxonZone | 'unknown'>({ max: 1000 });
const LONGEST_ZONE = 64;

interface Pattern {
  readonly cron: Cron | undefined;
  /** Whether it is ever due: not the 31st of February. */
  readonly ever: boolean;
}

function compiled(cron: string): Pattern {
  let pattern: Pattern = { cron: undefined, ever: false };
  try {
    // An offset, not a zone: croner asks Intl about each time in a zone, UTC too, and is twenty times slower.
    pattern = { cron: new Cron(cron, { mode: '5-part', utcOffset: 0 }), ever: true };
    pattern = { ...pattern, ever: localAfter(pattern, ERA) !== null };
  } catch {
    // Refused by the catalog, so that none is in force.
  }
  patterns.set(cron, pattern);
  return pattern;
}

/** Small, since croner keeps a list of ten thousand years for each. */
const patterns = new LRUCache<string, Pattern>({ max: 100 });

/**
 * Croner takes the year 50 for 1950 and stops at 3000. The calendar repeats every 400 years, weekdays included: it is
 * asked about the like year of 2000 to 2399.
 */
function localAfter({ cron }: Pattern, local: Millis): Millis | null {
  const eras = Math.floor((local - ERA) / ERA_LENGTH) * ERA_LENGTH;
  try {
    const next = cron?.nextRun(new Date(local - eras));
    return next ? next.getTime() + eras : null;
  } catch (error) {
    // It looks for a day that never comes (the 31st of April or June) until the stack is full.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const ERA = Date.parse('2000-01-01T00:00:00Z');
const ERA_LENGTH = 146_097 * DAY;
