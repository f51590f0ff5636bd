import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAt } from '../src/catalog/parse/rules/at-expression.ts';
import { parseRecurrence } from '../src/catalog/parse/rules/recurrence-expression.ts';
import { parseZone } from '../src/catalog/parse/rules/zone-expression.ts';
import type { At } from '../src/model/catalog.ts';
import type { Millis } from '../src/model/event.ts';
import {
  formatDate,
  formatLocalTimeKey,
  nextOccurrence,
  resolveTimeExpression,
  resolveZone,
} from '../src/time/calendar.ts';
import { runs } from './support/properties.ts';

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
/** Of the years in which the zones of the tests changed their clocks, and one skipped a day. */
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
    // Left out: moved forward by the change, once.
    ['day 01:30', LISBON, '2025-03-29T12:00:00Z', '2025-03-30T01:30:00Z'],
    ['day 01:30', LISBON, '2025-03-30T01:30:00Z', '2025-03-31T00:30:00Z'],
    ['day 02:30', NEW_YORK, '2025-03-09T05:00:00Z', '2025-03-09T07:30:00Z'],
    ['day 02:15', LORD_HOWE, '2025-10-04T12:00:00Z', '2025-10-04T15:45:00Z'],
    ['cron 0 2,3 * * *', NEW_YORK, '2025-03-09T05:00:00Z', '2025-03-09T07:00:00Z'],
    ['cron 0 2,3 * * *', NEW_YORK, '2025-03-09T07:00:00Z', '2025-03-10T06:00:00Z'],
    ['cron 45 2,3 * * *', NEW_YORK, '2025-03-09T07:44:00Z', '2025-03-09T07:45:00Z'],
    // Comes twice: the first.
    ['day 01:30', LISBON, '2025-10-25T12:00:00Z', '2025-10-26T00:30:00Z'],
    ['day 01:30', LISBON, '2025-10-26T00:30:00Z', '2025-10-27T01:30:00Z'],
    ['day 01:30', NEW_YORK, '2025-11-02T04:00:00Z', '2025-11-02T05:30:00Z'],
    ['day 01:30', NEW_YORK, '2025-11-02T05:30:00Z', '2025-11-03T06:30:00Z'],
    ['day 01:45', LORD_HOWE, '2025-04-05T12:00:00Z', '2025-04-05T14:45:00Z'],
    ['day 01:45', LORD_HOWE, '2025-04-05T14:45:00Z', '2025-04-06T15:15:00Z'],
    ['hour', NEW_YORK, '2025-11-02T05:00:00Z', '2025-11-02T07:00:00Z'],
    // A day that never was (30 December 2011) joins the next one.
    ['day 09:00', 'Pacific/Apia', '2011-12-29T19:00:00Z', '2011-12-30T19:00:00Z'],
    ['day 09:00', 'Pacific/Apia', '2011-12-30T19:00:00Z', '2011-12-31T19:00:00Z'],
    ['day 09:00', 'Nowhere/Land', '2025-07-01T00:00:00Z', '2025-07-01T09:00:00Z'],
    // Years that croner itself takes for others, or does not reach.
    ['monday 09:00', 'UTC', '0050-01-01T00:00:00Z', '0050-01-03T09:00:00Z'],
    ['monday 09:00', 'UTC', '4000-01-01T00:00:00Z', '4000-01-03T09:00:00Z'],
  ])('%s in %s after %s', (when, zone, after, next) => {
    expect(iso(nextOccurrence(cronOf(when), zone, at(after)))).toBe(iso(at(next)));
  });

  test.each(['0 0 31 2 *', '0 0 31 4,6,9,11 *', 'not a pattern', '* * * * * *'])('%s is never due', (cron) => {
    expect(nextOccurrence(cron, LISBON, at('2025-01-01T00:00:00Z'))).toBeNull();
  });

  test.each(ZONES)('the ends of time in %s', (zone) => {
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
        runs(5),
      );
    },
  );

  test('occurrences go forward, each with a local time of its own that the pattern names, or that a change moved', () => {
    const minute = fc.constantFrom('0', '30', '15,45', '*/10', '*');
    const hour = fc.constantFrom('*', '0-3', '1,2', '*/2', '23');
    fc.assert(
      fc.property(minute, hour, somewhere, moment, (minutes, hours, zone, from) => {
        const found = occurrences(`${minutes} ${hours} * * *`, zone, from, from + 2 * DAY).slice(0, 400);
        const labels = found.map((time) => formatLocalTimeKey(time, zone));
        expect(found.every((time, place) => time > (found[place - 1] ?? from))).toBe(true);
        expect(new Set(labels).size).toBe(labels.length);
        expect(labels).toEqual(found.map((time) => shownBy(time, zone)));
      }),
      runs(30),
    );
  });

  test('agrees with a search minute by minute around each change', () => {
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
      expect(occurrences('* * * * *', zone, from, from + 400 * MINUTE)).toEqual(firstTimes);
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

  test('without a field it is never before the moment counted from, and at most eight days after it', () => {
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
        // What is due now is due at once.
        expect(resolveTimeExpression({ text: '', offset: 0, timeOfDay: minutes }, zone, due)).toBe(due);
      }),
    );
  });

  test('with a field and a time it is on the local date of the field', () => {
    // Apia apart: its left-out time may be a whole day.
    const zone = fc.constantFrom(...ZONES.filter((one) => one !== 'Pacific/Apia'));
    fc.assert(
      fc.property(moment, zone, timeOfDay, (base, where, minutes) => {
        const due = resolveTimeExpression({ text: '', field: 'event.t', offset: 0, timeOfDay: minutes }, where, base);
        expect(formatDate(due, where)).toBe(formatDate(base, where));
      }),
    );
  });

  test.each(ZONES)('the ends of time in %s', (zone) => {
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

  test('a name without end is no zone', () => {
    expect(resolveZone('user', { time_zone: 'x'.repeat(100_000) })).toBe('UTC');
  });

  test('one local time has one label, in any zone', () => {
    expect(formatLocalTimeKey(at('2025-11-03T09:00:00Z'), LISBON)).toBe('2025-11-03T09:00');
    expect(formatLocalTimeKey(at('2025-11-03T14:00:00Z'), NEW_YORK)).toBe('2025-11-03T09:00');
    expect(formatLocalTimeKey(at('2025-11-02T22:00:00Z'), LORD_HOWE)).toBe('2025-11-03T09:00');
    expect(formatLocalTimeKey(at('2025-11-03T09:00:00Z'), 'Nowhere/Land')).toBe('2025-11-03T09:00');
  });

  test('dates beyond the years 1 to 9999 are held at the ends', () => {
    expect(formatDate(FIRST, NEW_YORK)).toBe('0001-01-01');
    expect(formatDate(LAST, LORD_HOWE)).toBe('9999-12-31');
  });
});

describe('reading `at`', () => {
  test.each([
    ['event.starts_at', { field: 'event.starts_at', offset: 0 }, 0],
    ['event.starts_at - 24h', { field: 'event.starts_at', offset: -DAY }, 0],
    ['event.starts_at + 1h30m', { field: 'event.starts_at', offset: 90 * MINUTE }, 0],
    ['  event.due_at - 1d 09:00 ', { field: 'event.due_at', offset: -DAY, timeOfDay: 540 }, 2],
    ['event.due_at 00:05', { field: 'event.due_at', offset: 0, timeOfDay: 5 }, 0],
    ['event["x - 5h"]', { field: 'event["x - 5h"]', offset: 0 }, 0],
    ['event["x-5h 1"]', { field: 'event["x-5h 1"]', offset: 0 }, 0],
    ['event.ok ? event.a : event.b - 2h', { field: 'event.ok ? event.a : event.b', offset: -120 * MINUTE }, 0],
    ['matched["trip"].ends_at + 1w', { field: 'matched["trip"].ends_at', offset: 7 * DAY }, 0],
    ['event.a - event.b', { field: 'event.a - event.b', offset: 0 }, 0],
    ['09:00', { offset: 0, timeOfDay: 540 }, 0],
    ['monday 23:59', { offset: 0, timeOfDay: 1439, weekday: 1 }, 0],
    ['Sunday 00:00', { offset: 0, timeOfDay: 0, weekday: 7 }, 0],
  ])('%s', (written, read, fieldOffset) => {
    const result = parseAt(written);
    expect(result).toEqual({ at: { text: written.trim(), ...read }, fieldOffset });
  });

  test.each([
    ['', 'use one of: event.starts_at - 24h, event.due_at - 1d 09:00, event.due_at 09:00, 09:00, monday 09:00'],
    ['9:00', 'write 09:00'],
    ['9am', 'write 09:00'],
    ['12:30 am', 'write 00:30'],
    ['24:00', 'write 00:00'],
    ['25:00', 'use a time of day from 00:00 to 23:59'],
    ['mondays 09:00', 'write monday 09:00'],
    ['mon at 9:00', 'write monday 09:00'],
    ['mondy 09:00', 'did you mean monday 09:00?'],
    ['monday', 'the time is missing: monday 09:00'],
    ['09:00 on monday', 'write monday 09:00'],
    ['tomorrow 09:00', 'write 09:00 for the next 09:00'],
    ['24h', 'write delay: 24h, or add a field: event.starts_at + 24h'],
    ['- 24h', 'add a field: event.starts_at - 24h'],
    ['1 day before event.starts_at', 'write event.starts_at - 1d'],
    ['starts_at - 2h', 'did you mean event.starts_at - 2h?'],
    ['event.starts_at-24h', 'write event.starts_at - 24h'],
    ['event.starts_at -24h 09:00', 'write event.starts_at - 24h 09:00'],
    ['event.starts_at - 1 day', 'write event.starts_at - 1d'],
    ['event.starts_at - 24 hours 09:00', 'write event.starts_at - 24h 09:00'],
    ['event.starts_at - 30', 'the unit is missing: 30s, 30m, 30h or 30d?'],
    ['event.starts_at - 1d - 2h', 'write one, from large to small: 1d12h'],
    ['event.starts_at - 1d at 9am', 'write event.starts_at - 1d 09:00'],
    ['event.starts_at - 1d 25:00', 'use a time of day from 00:00 to 23:59'],
    ['event.starts_at monday 09:00', 'a weekday cannot follow a field, only a time can'],
  ])('not %j', (written, hint) => {
    expect(parseAt(written)).toMatchObject({ hint });
  });
});

describe('reading `every`', () => {
  test.each([
    ['monday 09:00', '0 9 * * 1', 'monday 09:00'],
    ['sunday 00:05', '5 0 * * 0', 'sunday 00:05'],
    ['  Day   18:00 ', '0 18 * * *', 'day 18:00'],
    ['weekday 08:30', '30 8 * * 1-5', 'weekday 08:30'],
    ['month on 1 at 09:00', '0 9 1 * *', 'month on 1 at 09:00'],
    ['month on last at 23:59', '59 23 L * *', 'month on last at 23:59'],
    ['hour', '0 * * * *', 'hour'],
    ['cron 0 9 * * 1', '0 9 * * 1', 'cron 0 9 * * 1'],
    ['cron */15 8-18 * JAN mon-fri', '*/15 8-18 * JAN mon-fri', 'cron */15 8-18 * JAN mon-fri'],
  ])('%s', (written, cron, text) => {
    expect(parseRecurrence(written)).toEqual({ recurrence: { text, cron } });
  });

  const fields = 'use five fields: minute, hour, day of month, month, day of week, as in cron 0 9 * * 1';
  test.each([
    ['', 'use one of: monday 09:00, day 18:00, weekday 08:30, month on 1 at 09:00, hour, cron 0 9 * * 1'],
    ['mondays 9:00', 'write monday 09:00'],
    ['every friday at 5pm', 'write friday 17:00'],
    ['weekly on tue 09:00', 'did you mean tuesday 09:00?'],
    ['weekly on friday 09:00', 'write friday 09:00'],
    ['daily 18:00', 'write day 18:00'],
    ['9am', 'write day 09:00'],
    ['weekdays 08:30', 'write weekday 08:30'],
    ['mondy 09:00', 'did you mean monday 09:00?'],
    ['monday', 'the time is missing: monday 09:00'],
    ['weekly', 'the time is missing: monday 09:00'],
    ['month on 1', 'the time is missing: month on 1 at 09:00'],
    ['monthly on the 1st at 9:00', 'write month on 1 at 09:00'],
    ['month on the last day at 09:00', 'write month on last at 09:00'],
    ['month on 32 at 09:00', 'use a day from 1 to 31, or last'],
    ['day 25:00', 'use a time of day from 00:00 to 23:59'],
    ['every hour', 'write hour'],
    ['every 15 minutes', 'write cron */15 * * * *'],
    ['0 9 * * 1', 'write cron 0 9 * * 1'],
    ['cron 0 9', fields],
    ['cron @daily', fields],
    ['cron 0 0 9 * * 1', `there are no seconds: ${fields}`],
    ['cron 60 9 * * *', 'minutes are 0 to 59'],
    ['cron 0 9 1-40 * *', 'days of the month are 1 to 31, L is the last'],
    ['cron 0 9 ? * 1', 'write * for any: cron 0 9 * * 1'],
    ['cron 0 9 31 2 *', 'none of its months has such a day'],
    ['cron 0 9 31 4,6,9,11 *', 'none of its months has such a day'],
  ])('not %j', (written, hint) => {
    expect(parseRecurrence(written)).toMatchObject({ hint });
  });

  test('a text without end is refused before it is read', () => {
    const hint = 'use at most 1000 characters';
    expect(parseRecurrence(`cron ${'0,'.repeat(600)}0 9 * * 1`)).toMatchObject({ hint });
    expect(parseAt(`event.${'x'.repeat(1000)}`)).toMatchObject({ hint });
    expect(parseAt(' '.repeat(50_000))).toHaveProperty('hint');
  });

  test('whatever is written, it is read or answered, and a hint that says `write` is right', () => {
    const words = fc.constantFrom(...'monday day month on at 9 09:00 9am event.x - 1d + * cron ('.split(' '));
    const text = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 7 }).map((some) => some.join(' ')),
    );
    fc.assert(
      fc.property(text, (written) => {
        const recurrence = parseRecurrence(written);
        const better = 'hint' in recurrence ? /^write ([a-z].*)$/.exec(recurrence.hint)?.[1] : undefined;
        if (better !== undefined) expect(parseRecurrence(better)).toHaveProperty('recurrence');
        const point = parseAt(written);
        if ('at' in point && point.at.field !== undefined) {
          expect(written.slice(point.fieldOffset).startsWith(point.at.field)).toBe(true);
        }
      }),
    );
  });
});

describe('reading a zone', () => {
  test.each([
    ['user', 'user'],
    ["the user's time zone", 'user'],
    ['utc', 'UTC'],
    [' europe/lisbon ', LISBON],
    ['Asia/Kolkata', 'Asia/Kolkata'],
  ])('%s', (written, zone) => {
    expect(parseZone(written)).toBe(zone);
  });

  test.each([
    ['Europe/Lisbonn', 'did you mean Europe/Lisbon?'],
    ['usr', 'did you mean user?'],
    ['+01:00', 'write user zone, UTC or an IANA name like Europe/Lisbon'],
  ])('not %s', (written, hint) => {
    expect(parseZone(written)).toMatchObject({ hint });
  });
});

function at(text: string): Millis {
  return Date.parse(text);
}

function iso(time: Millis | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

function cronOf(written: string): string {
  const read = parseRecurrence(written);
  if (!('recurrence' in read)) throw new Error(read.message);
  return read.recurrence.cron;
}

function atOf(written: string): At {
  const read = parseAt(written);
  if (!('at' in read)) throw new Error(read.message);
  return read.at;
}

function occurrences(cron: string, zone: string, from: Millis, to: Millis): Millis[] {
  const found: Millis[] = [];
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
function shownBy(time: Millis, zone: string): string {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    formats.set(zone, format);
  }
  return format.format(time).replace(' ', 'T');
}

const formats = new Map<string, Intl.DateTimeFormat>();
