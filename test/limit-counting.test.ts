import { describe, expect, test } from 'vitest';
import type { Limit, Period } from '../src/model/catalog.ts';
import { evaluateLimit, toLimitKey, toLimitLookup } from '../src/rules/evaluate/limits.ts';

/** The counting of one limit: the bounds of its windows, its buckets, and the slot of the next send. */

const HOUR = 3_600_000;
const DAY = 86_400_000;
const NOON = Date.parse('2025-10-31T12:00:00Z');

const EVER: Period = { kind: 'ever' };
const UTC_DAY: Period = { kind: 'day', zone: 'UTC' };
const USER_DAY: Period = { kind: 'day', zone: 'user' };
const ROLLING: Period = { kind: 'rolling', span: HOUR };

describe('a limit key', () => {
  test.each([
    [EVER, 'R/ever'],
    [UTC_DAY, 'R/day UTC'],
    [USER_DAY, 'R/day user'],
    [ROLLING, 'R/3600000ms'],
  ])('names the rule and the period %j, not the maximum', (period, key) => {
    expect(toLimitKey('R', limitOf(period, 1))).toBe(key);
    expect(toLimitKey('R', limitOf(period, 2))).toBe(key);
  });
});

describe('the look-up of a limit', () => {
  const [from, to] = [NOON, NOON + DAY];

  test.each([
    [EVER, 'ever', 'ever'],
    [ROLLING, '2025-10-31T11:00:00.000Z', '2025-11-01T13:00:00.000Z'],
    [UTC_DAY, '2025-10-31', '2025-11-01'],
    [USER_DAY, '2025-10-30', '2025-11-02'],
    [{ kind: 'day', zone: 'Asia/Tokyo' } as const, '2025-10-30', '2025-11-02'],
  ])('of %j covers the buckets that an event in the span may be in', (period, first, last) => {
    expect(toLimitLookup('key', limitOf(period, 1), from, to)).toEqual({ limitKey: 'key', from: first, to: last });
  });
});

describe('"ever"', () => {
  test('counts every send, and takes the slot after the highest', () => {
    const uses = [useAt(NOON - 9 * DAY, 'ever', 2), useAt(NOON + 9 * DAY, 'ever', 1)];
    expect(evaluateLimit(limitOf(EVER, 3), uses, NOON, {})).toEqual({
      bucket: 'ever',
      window: 'ever',
      slot: 3,
      uses,
      reached: false,
    });
  });

  test.each([
    [1, 0, false],
    [1, 1, true],
    [2, 1, false],
    [2, 2, true],
    [2, 3, true],
  ])('with a maximum of %i is reached by %i sends: %s', (max, sent, reached) => {
    const uses = Array.from({ length: sent }, (_, n) => useAt(NOON, 'ever', n + 1));
    const state = evaluateLimit(limitOf(EVER, max), uses, NOON, {});
    expect(state).toMatchObject({ reached, slot: sent + 1 });
  });
});

describe('a day', () => {
  test('counts the sends of its own bucket, oldest first and then by slot', () => {
    const own = [useAt(NOON + 2, '2025-10-31', 3), useAt(NOON + 2, '2025-10-31', 2), useAt(NOON + 1, '2025-10-31', 5)];
    const uses = [...own, useAt(NOON - DAY, '2025-10-30', 9), useAt(NOON + DAY, '2025-11-01', 9)];
    const state = evaluateLimit(limitOf(UTC_DAY, 3), uses, NOON, {});
    expect(state).toMatchObject({ bucket: '2025-10-31', window: '2025-10-31 (UTC)', slot: 6, reached: true });
    expect(state.uses.map(({ slot }) => slot)).toEqual([5, 2, 3]);
  });

  test('counts the sends of its own bucket at its midnight too, and takes the slot after the highest', () => {
    const midnight = Date.parse('2025-10-26T00:00:00Z');
    const uses = [
      useAt(midnight + 2, '2025-10-26', 3),
      useAt(midnight + 2, '2025-10-26', 2),
      useAt(midnight + 1, '2025-10-26', 5),
      useAt(midnight - DAY, '2025-10-25', 9),
    ];
    const state = evaluateLimit(limitOf(UTC_DAY, 4), uses, midnight, {});
    expect(state).toMatchObject({ bucket: '2025-10-26', window: '2025-10-26 (UTC)', slot: 6, reached: false });
    expect(state.uses.map(({ slot }) => slot)).toEqual([5, 2, 3]);
  });

  test.each([
    ['2025-10-30T23:59:59.999Z', '2025-10-30'],
    ['2025-10-31T00:00:00.000Z', '2025-10-31'],
    ['2025-10-31T23:59:59.999Z', '2025-10-31'],
    ['2025-11-01T00:00:00.000Z', '2025-11-01'],
  ])('begins at its midnight, included, and ends before the next: %s', (time, bucket) => {
    expect(evaluateLimit(limitOf(UTC_DAY, 1), [], Date.parse(time), {}).bucket).toBe(bucket);
  });

  test("goes by the user's own zone, or by the one that is named", () => {
    const time = Date.parse('2025-10-31T23:30:00Z');
    const user = { time_zone: 'Asia/Tokyo' };
    expect(evaluateLimit(limitOf(USER_DAY, 1), [], time, user).window).toBe('2025-11-01 (Asia/Tokyo)');
    expect(evaluateLimit(limitOf(USER_DAY, 1), [], time, {}).window).toBe('2025-10-31 (UTC)');
    const lisbon: Period = { kind: 'day', zone: 'America/New_York' };
    expect(evaluateLimit(limitOf(lisbon, 1), [], time, user).window).toBe('2025-10-31 (America/New_York)');
  });
});

describe('a rolling window', () => {
  test.each([
    [-HOUR - 1, false],
    [-HOUR, true],
    [0, true],
    [HOUR, true],
    [HOUR + 1, false],
  ])('counts a send %i ms from the event, both ends included: %s', (distance, counted) => {
    const state = evaluateLimit(limitOf(ROLLING, 1), [useAt(NOON + distance)], NOON, {});
    expect(state).toMatchObject({ reached: counted, bucket: '2025-10-31T12:00:00.000Z' });
    expect(state.uses).toHaveLength(counted ? 1 : 0);
  });

  test.each([
    // One before and one after, in one span of the length with the event between them.
    [[-HOUR / 2, HOUR / 2], 2],
    [[-HOUR / 2, HOUR / 2 + 1], 1],
    // Sends on both sides that no single span holds: the side with more of them counts.
    [[-HOUR, -2, -1, HOUR], 3],
    [[-HOUR, 1, 2, HOUR], 3],
    [[-HOUR, HOUR], 1],
    [[], 0],
  ])('holds, of sends at %j ms, the most that one span with the event holds: %i', (distances, most) => {
    const uses = distances.map((distance) => useAt(NOON + distance));
    const state = evaluateLimit(limitOf(ROLLING, 3), uses, NOON, {});
    expect(state.uses).toHaveLength(most);
    expect(state.reached).toBe(most >= 3);
  });

  test('of several spans with as many sends names the earliest', () => {
    const uses = [useAt(NOON - HOUR), useAt(NOON + HOUR)];
    expect(evaluateLimit(limitOf(ROLLING, 1), uses, NOON, {}).uses).toEqual([uses[0]]);
  });

  test.each([
    ['at both ends of a span', [-12, 12], [-12, 12]],
    ['that no single span holds', [-13, 12], [-13]],
    ['of which one is outside the span of two', [-23, 3, 2], [2, 3]],
    ['in another order', [-1, -5], [-5, -1]],
    ['a span away and further', [-24, -25, 25], [-24]],
  ])('names the sends of the fullest span, oldest first: sends %s', (_name, hours, counted) => {
    const uses = hours.map((hour) => useAt(NOON + hour * HOUR));
    const limit: Limit = { max: 2, period: { kind: 'rolling', span: DAY }, text: '2 per 24h per person' };
    expect(evaluateLimit(limit, uses, NOON, {})).toMatchObject({
      window: `any 24h around ${new Date(NOON).toISOString()}`,
      uses: counted.map((hour) => ({ at: NOON + hour * HOUR })),
      reached: counted.length >= 2,
      slot: 1,
    });
  });

  test('orders two sends as well', () => {
    const uses = [useAt(NOON + 1), useAt(NOON - 1)];
    expect(evaluateLimit(limitOf(ROLLING, 1), uses, NOON, {}).uses.map(({ at }) => at)).toEqual([NOON - 1, NOON + 1]);
  });

  test('names its sends oldest first and then by slot, whatever order they come in', () => {
    const uses = [useAt(NOON, undefined, 2), useAt(NOON - 1), useAt(NOON, undefined, 1)];
    const state = evaluateLimit(limitOf(ROLLING, 9), uses, NOON, {});
    expect(state.uses.map(({ at, slot }) => [at - NOON, slot])).toEqual([
      [-1, 1],
      [0, 1],
      [0, 2],
    ]);
  });

  test('takes the slot after the highest at its own instant', () => {
    const uses = [useAt(NOON, undefined, 1), useAt(NOON, undefined, 4), useAt(NOON + 1, undefined, 7)];
    expect(evaluateLimit(limitOf(ROLLING, 9), uses, NOON, {}).slot).toBe(5);
    expect(evaluateLimit(limitOf(ROLLING, 9), [], NOON, {}).slot).toBe(1);
  });

  test.each([
    ['3 per 24h', '24h'],
    ['3 per 24h per person', '24h'],
    ['1 per 1h', '1h'],
  ])('is named after its text %s', (text, named) => {
    const limit: Limit = { max: 1, period: ROLLING, text };
    expect(evaluateLimit(limit, [], NOON, {}).window).toBe(`any ${named} around 2025-10-31T12:00:00.000Z`);
  });
});

function limitOf(period: Period, max: number): Limit {
  return { max, period, text: `${max} per something` };
}

function useAt(at: number, bucket = new Date(at).toISOString(), slot = 1) {
  return { at, bucket, slot, eventId: `${at}`, notificationId: `${at}.${slot}` };
}
