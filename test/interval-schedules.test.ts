import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatLocalTimeKey, nextOccurrence } from '../src/time/calendar.ts';
import { runs } from './support/properties.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The due times from `from` on, for this long. */
function list(cron: string, zone: string, from: string | number, span: number): number[] {
  const start = typeof from === 'number' ? from : Date.parse(from);
  const found: number[] = [];
  for (let next = nextOccurrence(cron, zone, start - 1); next !== null && next <= start + span; ) {
    found.push(next);
    next = nextOccurrence(cron, zone, next);
  }
  return found;
}

const times = (found: readonly number[]) => found.map((time) => new Date(time).toISOString().slice(11, 16));

const ZONES = ['America/New_York', 'Europe/Lisbon', 'Australia/Lord_Howe', 'Africa/Casablanca', 'Asia/Kathmandu'];
/** The length of each zone's clock changes, where it is not an hour. */
const CHANGES: Record<string, number> = { 'Australia/Lord_Howe': 30 * MINUTE, 'Asia/Kathmandu': 0 };
/** Days of clock changes of these zones. */
const CHANGE_DAYS = [
  ...['2025-11-02', '2025-03-09', '2025-10-26', '2025-03-30', '2020-04-04', '2025-10-04', '2025-02-23', '2025-04-06'],
];
const STEPS = [
  ['*/5 * * * *', 5],
  ['*/15 * * * *', 15],
  ['0 * * * *', 60],
  ['45 * * * *', 60],
  ['0 */2 * * *', 120],
  ['30 */6 * * *', 360],
] as const;

describe('an interval in a zone that changes its clock', () => {
  test.each(['2025-11-02T03:30Z', '2025-03-09T03:30Z'])('is hourly in New York from %s on', (from) => {
    const found = list('0 * * * *', 'America/New_York', from, 8 * HOUR);
    expect(found).toHaveLength(8);
    expect(found.slice(1).every((time, index) => time - found[index]! === HOUR)).toBe(true);
  });

  test.each([
    ['2025-04-05T12:30Z', ['13:00', '14:00', '15:00', '15:30', '16:30']],
    ['2025-10-04T12:45Z', ['13:30', '14:30', '15:30', '16:00', '17:00']],
  ])('is on the hour in Lord Howe again half an hour after its change of %s', (from, expected) => {
    expect(times(list('0 * * * *', 'Australia/Lord_Howe', from, 5 * HOUR)).slice(0, 5)).toEqual(expected);
  });

  test('pauses for its step, and at most for the length of a change longer', () => {
    const years = fc.integer({ min: Date.parse('2015-01-01T00:00Z'), max: Date.parse('2026-01-01T00:00Z') });
    const changes = fc
      .tuple(fc.constantFrom(...CHANGE_DAYS), fc.integer({ min: -2 * 24 * HOUR, max: 0 }))
      .map(([day, before]) => Date.parse(day) + before);
    const times = fc.oneof(years, changes);
    fc.assert(
      fc.property(times, fc.constantFrom(...ZONES), fc.constantFrom(...STEPS), (from, zone, [cron, minutes]) => {
        const found = list(cron, zone, from, 3 * 24 * HOUR);
        const step = minutes * MINUTE;
        const change = CHANGES[zone] ?? HOUR;
        const gaps = found.slice(1).map((time, index) => time - found[index]!);
        // An interval that divides the change keeps its step.
        expect(Math.max(...gaps)).toBeLessThanOrEqual(step + (change % step === 0 ? 0 : change));
        expect(Math.min(...gaps)).toBeGreaterThan(0);
        // A change that is not a multiple of the step makes one gap shorter and one longer.
        expect(gaps.filter((gap) => gap !== step).length).toBeLessThanOrEqual(2);
      }),
      runs(100),
    );
  });

  test('of minutes within named hours comes as often as the clock shows them', () => {
    expect(times(list('*/30 1 * * *', 'America/New_York', '2025-11-02T04:00Z', 6 * HOUR))).toEqual([
      ...['05:00', '05:30'],
      ...['06:00', '06:30'],
    ]);
    expect(times(list('*/30 2 * * *', 'America/New_York', '2025-03-09T04:00Z', 6 * HOUR))).toEqual(['07:00', '07:30']);
  });

  test('has a key for each time, also for one that the clock shows twice', () => {
    const cron = '0 * * * *';
    const found = list(cron, 'America/New_York', '2025-11-02T03:30Z', 8 * HOUR);
    expect(new Set(found.map((time) => formatLocalTimeKey(time, 'America/New_York', cron))).size).toBe(8);
  });
});

test('a named time of day comes once on the day of a clock change', () => {
  for (const cron of ['30 1 * * *', '30 2 * * *', '15,45 1-2 * * *']) {
    const [minutes = '', hours = ''] = cron.split(' ');
    const expected = minutes.split(',').length * hours.split('-').length;
    for (const day of ['2025-11-02T04:00Z', '2025-03-09T05:00Z']) {
      expect(list(cron, 'America/New_York', day, 20 * HOUR), `${cron} on ${day}`).toHaveLength(expected);
    }
  }
});
