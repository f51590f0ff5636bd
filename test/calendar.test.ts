import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDate,
  formatLocalTimeKey,
  nextOccurrence,
  resolveTimeExpression,
  resolveZone,
} from '../src/time/calendar.ts';
import { runs } from './support/properties.ts';
import { atOf, cronOf } from './support/time-expressions.ts';

const LISBON = 'Europe/Lisbon';
const NEW_YORK = 'America/New_York';
const LORD_HOWE = 'Australia/Lord_Howe';
const ZONES = [LISBON, NEW_YORK, LORD_HOWE, 'UTC', 'Asia/Kathmandu', 'America/Sao_Paulo', 'Pacific/Apia'] as const;
const MINUTE = 60_000;
const DAY = 86_400_000;
const FIRST = Date.parse('0001-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

const somewhere = fc.constantFrom(...ZONES);
const timeOfDay = fc.integer({ min: 0, max: 1439 });
/** In the years in which the zones of these tests changed their clocks, and one skipped a day. */
const moment = fc.integer({ min: Date.parse('2010-01-01T00:00:00Z'), max: Date.parse('2027-01-01T00:00:00Z') });

describe('the next occurrence', () => {
  test.each([
    ['day 09:00', LISBON, '2025-11-03T08:59:59.999Z', '2025-11-03T09:00:00Z'],
    ['day 09:00', LISBON, '2025-11-03T09:00:00Z', '2025-11-04T09:00:00Z'],
    ['day 09:00', NEW_YORK, '2025-11-03T09:00:00Z', '2025-11-03T14:00:00Z'],
    ['monday 09:00', LORD_HOWE, '2025-11-01T00:00:00Z', '2025-11-02T22:00:00Z'],
    ['weekday 08:30', 'UTC', '2025-10-31T08:30:00Z', '2025-11-03T08:30:00Z'],
    ['month on 31 at 09:00', 'UTC', '2025-03-31T09:00:00Z', '2025-05-31T09:00:00Z'],
    ['month on last at 09:00', 'UTC', '2028-02-01T00:00:00Z', '2028-02-29T09:00:00Z'],
    ['hour', 'Asia/Kathmandu', '2025-11-03T09:00:00Z', '2025-11-03T09:15:00Z'],
    ['cron 0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', '2104-02-29T00:00:00Z'],
    // Skipped by the clock change: moved forward, once.
    ['day 01:30', LISBON, '2025-03-29T12:00:00Z', '2025-03-30T01:30:00Z'],
    ['day 01:30', LISBON, '2025-03-30T01:30:00Z', '2025-03-31T00:30:00Z'],
    ['day 02:30', NEW_YORK, '2025-03-09T05:00:00Z', '2025-03-09T07:30:00Z'],
    ['day 02:15', LORD_HOWE, '2025-10-04T12:00:00Z', '2025-10-04T15:45:00Z'],
    ['cron 0 2,3 * * *', NEW_YORK, '2025-03-09T05:00:00Z', '2025-03-09T07:00:00Z'],
    ['cron 0 2,3 * * *', NEW_YORK, '2025-03-09T07:00:00Z', '2025-03-10T06:00:00Z'],
    ['cron 45 2,3 * * *', NEW_YORK, '2025-03-09T07:44:00Z', '2025-03-09T07:45:00Z'],
    // Comes twice: the first one.
    ['day 01:30', LISBON, '2025-10-25T12:00:00Z', '2025-10-26T00:30:00Z'],
    ['day 01:30', LISBON, '2025-10-26T00:30:00Z', '2025-10-27T01:30:00Z'],
    ['day 01:30', NEW_YORK, '2025-11-02T04:00:00Z', '2025-11-02T05:30:00Z'],
    ['day 01:30', NEW_YORK, '2025-11-02T05:30:00Z', '2025-11-03T06:30:00Z'],
    ['day 01:45', LORD_HOWE, '2025-04-05T12:00:00Z', '2025-04-05T14:45:00Z'],
    ['day 01:45', LORD_HOWE, '2025-04-05T14:45:00Z', '2025-04-06T15:15:00Z'],
    // A skipped day (30 December 2011) joins the next one.
    ['day 09:00', 'Pacific/Apia', '2011-12-29T19:00:00Z', '2011-12-30T19:00:00Z'],
    ['day 09:00', 'Pacific/Apia', '2011-12-30T19:00:00Z', '2011-12-31T19:00:00Z'],
    ['day 09:00', 'Nowhere/Land', '2025-07-01T00:00:00Z', '2025-07-01T09:00:00Z'],
    // Years that croner misreads, or does not reach.
    ['monday 09:00', 'UTC', '0050-01-01T00:00:00Z', '0050-01-03T09:00:00Z'],
    ['monday 09:00', 'UTC', '4000-01-01T00:00:00Z', '4000-01-03T09:00:00Z'],
  ])('of %s in %s after %s', (when, zone, after, next) => {
    expect(iso(nextOccurrence(cronOf(when), zone, at(after)))).toBe(iso(at(next)));
  });

  test.each(['0 0 31 2 *', '0 0 31 4,6,9,11 *', 'not a pattern', '* * * * * *'])('of %s does not exist', (cron) => {
    expect(nextOccurrence(cron, LISBON, at('2025-01-01T00:00:00Z'))).toBeNull();
  });

  test.each(ZONES)('stays within the years 1 to 9999 in %s', (zone) => {
    expect(nextOccurrence('0 9 * * *', zone, FIRST)).toBeGreaterThan(FIRST);
    expect(nextOccurrence('0 9 * * *', zone, FIRST - 40_000 * DAY)).toBeLessThan(FIRST + 2 * DAY);
    expect(nextOccurrence('0 9 * * *', zone, LAST - 3 * DAY)).toBeLessThan(LAST);
    expect(nextOccurrence('0 9 * * *', zone, LAST)).toBeNull();
    expect(nextOccurrence('* * * * *', zone, LAST + 40_000 * DAY)).toBeNull();
  });

  test.each([LISBON, NEW_YORK, LORD_HOWE, 'America/Sao_Paulo'])(
    'a daily time comes once on each date in %s',
    (zone) => {
      const years = fc.integer({ min: 2010, max: 2026 });
      fc.assert(
        fc.property(years, timeOfDay, (year, minutes) => {
          const cron = `${minutes % 60} ${Math.floor(minutes / 60)} * * *`;
          const first = Date.parse(`${year}-01-01T00:00:00Z`);
          const dates = occurrences(cron, zone, first, first + 366 * DAY).map((time) => formatDate(time, zone));
          expect(dates).toEqual(datesFrom(dates[0]!, dates.length));
          expect(dates.length).toBeGreaterThanOrEqual(365);
        }),
        runs(3),
      );
    },
  );

  test('of times of day is always later, with a distinct local time that the pattern names or that a clock change moved', () => {
    const minute = fc.constantFrom('0', '30', '15,45', '0-59');
    const hour = fc.constantFrom('0-23', '0-3', '1,2', '0,2,4', '23');
    fc.assert(
      fc.property(minute, hour, somewhere, moment, (minutes, hours, zone, from) => {
        const found = occurrences(`${minutes} ${hours} * * *`, zone, from, from + 2 * DAY).slice(0, 400);
        const labels = found.map((time) => formatLocalTimeKey(time, zone));
        expect(found.every((time, place) => time > (found[place - 1] ?? from))).toBe(true);
        expect(new Set(labels).size).toBe(labels.length);
        expect(labels).toEqual(found.map((time) => shownBy(time, zone)));
      }),
      runs(12),
    );
  });

  test('of times of day agrees with a search minute by minute around each clock change', () => {
    const changes = [
      [LISBON, '2025-03-30T01:00:00Z'],
      [LISBON, '2025-10-26T01:00:00Z'],
      [NEW_YORK, '2025-03-09T07:00:00Z'],
      [NEW_YORK, '2025-11-02T06:00:00Z'],
      [LORD_HOWE, '2025-04-05T15:00:00Z'],
      [LORD_HOWE, '2025-10-04T15:30:00Z'],
    ] as const;
    for (const [zone, change] of changes) {
      const from = at(change) - 200 * MINUTE;
      const seen = new Set<string>();
      const firstTimes = Array.from({ length: 400 }, (_, place) => from + (place + 1) * MINUTE).filter((time) => {
        const label = shownBy(time, zone);
        return !seen.has(label) && seen.add(label);
      });
      expect(occurrences('0-59 0-23 * * *', zone, from, from + 400 * MINUTE)).toEqual(firstTimes);
    }
  });
});

describe('a point in time to wait for', () => {
  test.each([
    ['event.t', LISBON, '2025-07-01T10:00:00Z', '2025-07-01T10:00:00Z'],
    ['event.t - 24h', LISBON, '2025-03-30T12:00:00Z', '2025-03-29T12:00:00Z'],
    ['event.t + 1h30m', NEW_YORK, '2025-07-01T10:00:00Z', '2025-07-01T11:30:00Z'],
    ['event.t 09:00', NEW_YORK, '2025-07-01T02:00:00Z', '2025-06-30T13:00:00Z'],
    ['event.t - 1d 09:00', LISBON, '2025-03-31T22:00:00Z', '2025-03-30T08:00:00Z'],
    ['event.t - 1d 01:30', LISBON, '2025-03-31T12:00:00Z', '2025-03-30T01:30:00Z'],
    ['event.t 01:30', NEW_YORK, '2025-11-02T18:00:00Z', '2025-11-02T05:30:00Z'],
    ['event.t 02:15', LORD_HOWE, '2025-10-05T01:00:00Z', '2025-10-04T15:45:00Z'],
    ['event.t 01:45', LORD_HOWE, '2025-04-06T01:00:00Z', '2025-04-05T14:45:00Z'],
    ['09:00', LISBON, '2025-07-01T08:00:00Z', '2025-07-01T08:00:00Z'],
    ['09:00', LISBON, '2025-07-01T08:00:00.001Z', '2025-07-02T08:00:00Z'],
    ['09:00', LORD_HOWE, '2025-07-01T00:00:00Z', '2025-07-01T22:30:00Z'],
    ['02:30', NEW_YORK, '2025-03-09T06:00:00Z', '2025-03-09T07:30:00Z'],
    ['01:30', NEW_YORK, '2025-11-02T05:30:00.001Z', '2025-11-03T06:30:00Z'],
    ['monday 09:00', LISBON, '2025-11-03T09:00:00Z', '2025-11-03T09:00:00Z'],
    ['monday 09:00', LISBON, '2025-11-03T09:00:01Z', '2025-11-10T09:00:00Z'],
    ['sunday 01:30', LISBON, '2025-03-24T00:00:00Z', '2025-03-30T01:30:00Z'],
    ['sunday 23:00', NEW_YORK, '2025-11-03T02:00:00Z', '2025-11-03T04:00:00Z'],
    ['00:00', 'America/Sao_Paulo', '2018-11-04T02:00:00Z', '2018-11-04T03:00:00Z'],
    ['09:00', 'Nowhere/Land', '2025-07-01T10:00:00Z', '2025-07-02T09:00:00Z'],
  ])('%s in %s, from %s', (written, zone, base, due) => {
    expect(iso(resolveTimeExpression(atOf(written), zone, at(base)))).toBe(iso(at(due)));
  });

  test('without a field is never before its base, and at most eight days after it', () => {
    const anyTime = fc.oneof(moment, fc.integer({ min: FIRST, max: LAST - 9 * DAY }));
    const weekday = fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined });
    fc.assert(
      fc.property(anyTime, somewhere, timeOfDay, weekday, (base, zone, minutes, day) => {
        const due = resolveTimeExpression(
          { text: '', offset: 0, timeOfDay: minutes, ...(day !== undefined && { weekday: day }) },
          zone,
          base,
        );
        expect(due).toBeGreaterThanOrEqual(base);
        expect(due - base).toBeLessThanOrEqual((day === undefined ? 2 : 8) * DAY);
        // A time that is now is due at once.
        expect(resolveTimeExpression({ text: '', offset: 0, timeOfDay: minutes }, zone, due)).toBe(due);
      }),
    );
  });

  test('with a field and a time is on the local date of the field', () => {
    // Without Apia, where the skipped time may be a whole day.
    const zone = fc.constantFrom(...ZONES.filter((one) => one !== 'Pacific/Apia'));
    fc.assert(
      fc.property(moment, zone, timeOfDay, (base, where, minutes) => {
        const due = resolveTimeExpression({ text: '', field: 'event.t', offset: 0, timeOfDay: minutes }, where, base);
        expect(formatDate(due, where)).toBe(formatDate(base, where));
      }),
    );
  });

  test.each(ZONES)('stays within the years 1 to 9999 in %s', (zone) => {
    for (const written of ['event.t - 3650d', 'event.t + 3650d 23:59', 'event.t 00:00', '00:00', 'sunday 23:59']) {
      for (const base of [FIRST, LAST, FIRST - 1000 * DAY, LAST + 1000 * DAY]) {
        const due = resolveTimeExpression(atOf(written), zone, base);
        expect(due).toBeGreaterThanOrEqual(FIRST);
        expect(due).toBeLessThanOrEqual(LAST);
      }
    }
  });
});

describe('zones and local dates', () => {
  test.each([
    ['Europe/Lisbon', {}, 'Europe/Lisbon'],
    ['user', { time_zone: 'America/New_York' }, 'America/New_York'],
    ['user', { time_zone: 'asia/kolkata' }, 'asia/kolkata'],
    ['user', { time_zone: 'Nowhere/Land' }, 'UTC'],
    ['user', { time_zone: 3 }, 'UTC'],
    ['user', { time_zone: '' }, 'UTC'],
    ['user', {}, 'UTC'],
  ])('%s of %o', (zone, user, name) => {
    expect(resolveZone(zone, user)).toBe(name);
  });

  test('a very long name is not a zone', () => {
    expect(resolveZone('user', { time_zone: 'x'.repeat(100_000) })).toBe('UTC');
  });

  test('a local time has the same key in any zone', () => {
    expect(formatLocalTimeKey(at('2025-11-03T09:00:00Z'), LISBON)).toBe('2025-11-03T09:00');
    expect(formatLocalTimeKey(at('2025-11-03T14:00:00Z'), NEW_YORK)).toBe('2025-11-03T09:00');
    expect(formatLocalTimeKey(at('2025-11-02T22:00:00Z'), LORD_HOWE)).toBe('2025-11-03T09:00');
    expect(formatLocalTimeKey(at('2025-11-03T09:00:00Z'), 'Nowhere/Land')).toBe('2025-11-03T09:00');
  });

  test('dates beyond the years 1 to 9999 are clamped', () => {
    expect(formatDate(FIRST, NEW_YORK)).toBe('0001-01-01');
    expect(formatDate(LAST, LORD_HOWE)).toBe('9999-12-31');
  });
});

function at(text: string): number {
  return Date.parse(text);
}

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

function occurrences(cron: string, zone: string, from: number, to: number): number[] {
  const found: number[] = [];
  for (let time = nextOccurrence(cron, zone, from); time !== null && time <= to; ) {
    found.push(time);
    time = nextOccurrence(cron, zone, time);
  }
  return found;
}

function datesFrom(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, day) =>
    new Date(at(`${first}T00:00:00Z`) + day * DAY).toISOString().slice(0, 10),
  );
}

/** The local time by Intl alone, `2025-11-03T09:00`. */
function shownBy(time: number, zone: string): string {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    formats.set(zone, format);
  }
  return format.format(time).replace(' ', 'T');
}

const formats = new Map<string, Intl.DateTimeFormat>();
