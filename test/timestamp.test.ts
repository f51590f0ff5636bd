import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoTime } from '../src/time/iso-time.ts';
import { parseTimestamp } from '../src/time/timestamp.ts';

describe('a timestamp', () => {
  test.each<[string, string]>([
    ['2025-10-31T19:00:00Z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31t19:00:00z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31 19:00:00Z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31T19:00Z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31T19:00:00+02:00', '2025-10-31T17:00:00.000Z'],
    ['2025-10-31T19:00:00-0330', '2025-10-31T22:30:00.000Z'],
    ['2025-10-31T19:00:00-00:00', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31T19:00:00+23:59', '2025-10-30T19:01:00.000Z'],
    ['2025-10-31T19:00:00.5Z', '2025-10-31T19:00:00.500Z'],
    ['2025-10-31T19:00:00,123Z', '2025-10-31T19:00:00.123Z'],
    ['2025-10-31T19:00:00.123456Z', '2025-10-31T19:00:00.123Z'],
    ['2025-10-31T19:00:00.999999999999Z', '2025-10-31T19:00:00.999Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['2000-02-29T12:00:00Z', '2000-02-29T12:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, iso) => {
    const read = parseTimestamp(text);
    expect('time' in read && [new Date(read.time).toISOString(), read.at]).toEqual([iso, iso]);
  });

  test.each<[string, RegExp]>([
    ['2025-10-31T19:00:00', /no zone/],
    ['2025-10-31T19:00', /no zone/],
    ['2025-10-31', /not a date and time/],
    ['19:00:00Z', /not a date and time/],
    ['1761937200', /not a date and time/],
    ['Fri, 31 Oct 2025 19:00:00 GMT', /not a date and time/],
    ['2025-10-31T19:00:00 Z', /not a date and time/],
    ['2025-10-31T19:00:00Z\n', /not a date and time/],
    [' 2025-10-31T19:00:00Z', /not a date and time/],
    ['2025-10-31T19:00:00.Z', /not a date and time/],
    ['2025-10-31T19:00:00.1234567890123Z', /not a date and time/],
    ['+12025-10-31T19:00:00Z', /not a date and time/],
    ['2025-10-31T19:00:00+2', /not a date and time/],
    ['٢٠٢٥-10-31T19:00:00Z', /not a date and time/],
    ['2025-02-30T12:00:00Z', /no such day: 2025-02-30/],
    ['2025-02-29T12:00:00Z', /no such day/],
    ['1900-02-29T12:00:00Z', /no such day/],
    ['2025-04-31T12:00:00Z', /no such day/],
    ['2025-00-10T12:00:00Z', /no such day/],
    ['2025-13-10T12:00:00Z', /no such day/],
    ['2025-10-00T12:00:00Z', /no such day/],
    ['2025-10-31T24:00:00Z', /no such time of day/],
    ['2025-10-31T12:60:00Z', /no such time of day/],
    ['2025-10-31T12:00:61Z', /no such time of day/],
    ['2025-10-31T12:00:00+24:00', /no such time of day/],
    ['2025-10-31T12:00:00+02:60', /no such time of day/],
    ['0000-12-31T23:59:59Z', /outside the years/],
    ['0001-01-01T00:00:00+00:01', /outside the years/],
    ['9999-12-31T23:59:59-00:01', /outside the years/],
  ])('rejects %j', (text, says) => {
    const read = parseTimestamp(text);
    expect('problem' in read && read.problem).toMatch(says);
  });

  test('writes a time as Date.toISOString does, and parses it back', () => {
    const min = Date.parse('0001-01-01T00:00:00.000Z');
    const max = Date.parse('9999-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(fc.integer({ min, max }), (time) => {
        expect(isoTime(time)).toBe(new Date(time).toISOString());
        expect(parseTimestamp(isoTime(time))).toEqual({ time, at: isoTime(time), rest: '' });
      }),
    );
  });

  test('keeps the digits below the millisecond, without trailing zeros', () => {
    const rest = (text: string) => (parseTimestamp(text) as { rest: string }).rest;
    expect(rest('2025-10-31T19:00:00.123456Z')).toBe('456');
    expect(rest('2025-10-31T19:00:00.123400Z')).toBe(rest('2025-10-31T19:00:00.1234Z'));
    expect(rest('2025-10-31T19:00:00.123Z')).toBe('');
  });
});
