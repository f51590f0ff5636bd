import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLimit } from '../src/catalog/parse/rules/limit-expression.ts';

describe('a limit', () => {
  it.each([
    ['once', 1, { kind: 'ever' }, 'once'],
    ['  Once ever ', 1, { kind: 'ever' }, 'once'],
    ['3 ever', 3, { kind: 'ever' }, '3 ever'],
    ['1 per day', 1, { kind: 'day', zone: 'UTC' }, '1 per day'],
    ['once per day in utc', 1, { kind: 'day', zone: 'UTC' }, '1 per day'],
    ["2 per calendar day in the user's zone", 2, { kind: 'day', zone: 'user' }, '2 per day in user zone'],
    ['2 per day in europe/lisbon', 2, { kind: 'day', zone: 'Europe/Lisbon' }, '2 per day in Europe/Lisbon'],
    ['1 per day in Asia/Kolkata', 1, { kind: 'day', zone: 'Asia/Kolkata' }, '1 per day in Asia/Kolkata'],
    ['1 per 1d', 1, { kind: 'rolling', span: 86_400_000 }, '1 per 1d'],
    ['5 per 7d', 5, { kind: 'rolling', span: 604_800_000 }, '5 per 7d'],
    ['1000 per 1h30m', 1000, { kind: 'rolling', span: 5_400_000 }, '1000 per 1h30m'],
  ])('%s', (written, max, period, text) => {
    expect(parseLimit(written)).toEqual({ limit: { max, period, text } });
    expect(parseLimit(`${written}  per person`)).toEqual({
      limit: { max, period, text: `${text} per person`, perUser: true },
    });
  });

  it.each([
    ['0 per day', 'use a number from 1 to 1000'],
    ['1001 per day', 'use a number from 1 to 1000'],
    ['1/day', 'write 1 per day'],
    ['5 times per hour', 'write 5 per 1h'],
    ['3 per week', 'write 3 per 7d'],
    ['3 per week per person', 'write 3 per 7d per person'],
    ['1 per 24 hours', 'write 1 per 24h'],
    ['1 per day in Lisbon', 'write user zone, UTC or an IANA name like Europe/Lisbon'],
    ['1 per day in Europe/Lisbonn', 'did you mean Europe/Lisbon?'],
    ['1 per day in +01:00', 'write user zone, UTC or an IANA name like Europe/Lisbon'],
    [
      '',
      'use one of: once, 3 ever, 1 per day, 1 per day in user zone, 2 per day in Europe/Lisbon, 3 per 24h, 3 per day per person',
    ],
  ])('rejects %j with a hint', (written, hint) => {
    expect(parseLimit(written)).toMatchObject({ hint });
  });

  it('parses the normalized text into the same limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 3650 }), (max, days) => {
        const first = parseLimit(`${max} per ${days}d`);
        expect('limit' in first && parseLimit(first.limit.text)).toEqual(first);
      }),
    );
  });
});
