import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NotificationType } from '../src/model/catalog.ts';
import { NO_POLICY, type Policy } from '../src/model/preferences.ts';
import type { Terms } from '../src/model/terms.ts';
import { planChannel } from '../src/plan/verdicts.ts';
import { toEdgeInstant, toLocalTime } from '../src/time/calendar.ts';
import { type DailyHours, findHoursEnd } from '../src/time/hours.ts';
import { isoTime } from '../src/time/iso-time.ts';
import { runs } from './support/properties.ts';

const TYPE: NotificationType = {
  name: 'NEWS',
  category: 'OPERATIONAL',
  channels: ['sms'],
  priority: 'LOW',
  inDoubt: 'hold',
  maxAge: 3_600_000,
};
const hours = (start: string, end: string) => ({ start: minutes(start), end: minutes(end) });
const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const NIGHT = hours('22:00', '08:00');

interface Asked {
  readonly policy?: Partial<Policy>;
  readonly terms?: Terms;
  readonly traits?: { readonly [trait: string]: string };
  readonly type?: Partial<NotificationType>;
  readonly channel?: 'sms' | 'in_app' | 'internal';
  readonly isUrgent?: boolean;
  readonly expiresAt?: string;
  readonly userId?: string;
}

function ask(now: string, { policy, terms = {}, traits = {}, type, channel = 'sms', ...more }: Asked) {
  return planChannel(
    {
      type: { ...TYPE, ...type },
      channels: [channel],
      terms,
      policy: { ...NO_POLICY, ...policy },
      user: { userId: more.userId ?? 'u1', profile: { traits: { ...traits }, traitTimes: {} }, isBoundTo: () => true },
      now: Date.parse(now),
      expiresAt: more.expiresAt === undefined ? null : Date.parse(more.expiresAt),
      isUrgent: more.isUrgent ?? false,
    },
    channel,
  );
}

describe('quiet hours over midnight end when the clock of the user shows their end', () => {
  test.each([
    ['Europe/Berlin', '2026-01-10T21:00:00Z', '2026-01-11T07:00:00.000Z'],
    ['Europe/Berlin', '2026-01-10T23:30:00Z', '2026-01-11T07:00:00.000Z'],
    ['America/New_York', '2026-01-11T04:00:00Z', '2026-01-11T13:00:00.000Z'],
    ['Asia/Kolkata', '2026-01-10T17:00:00Z', '2026-01-11T02:30:00.000Z'],
    ['Australia/Lord_Howe', '2026-01-10T12:00:00Z', '2026-01-10T21:00:00.000Z'],
    // The nights in which clocks change.
    ['Europe/Berlin', '2026-03-28T22:00:00Z', '2026-03-29T06:00:00.000Z'],
    ['Europe/Berlin', '2026-10-24T21:00:00Z', '2026-10-25T07:00:00.000Z'],
    ['America/New_York', '2026-03-08T04:00:00Z', '2026-03-08T12:00:00.000Z'],
    ['America/New_York', '2026-11-01T03:00:00Z', '2026-11-01T13:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-04T12:00:00Z', '2026-04-04T21:30:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-03T12:00:00Z', '2026-10-03T21:00:00.000Z'],
  ])('in %s, from %s until %s', (zone, now, until) => {
    const { verdict, dueAt } = ask(now, { policy: { quietHours: NIGHT }, traits: { time_zone: zone } });
    expect(verdict).toMatchObject({ verdict: 'hold', code: 'quiet_hours', level: 'tenant: quiet hours', until });
    expect(isoTime(dueAt)).toBe(until);
    expect(ask(until, { policy: { quietHours: NIGHT }, traits: { time_zone: zone } }).verdict.verdict).toBe('go');
    expect(
      ask(isoTime(dueAt - 1), { policy: { quietHours: NIGHT }, traits: { time_zone: zone } }).verdict.verdict,
    ).toBe('hold');
  });
});

test('an end that the clock skips is the change, and of one that it shows twice the last', () => {
  const inBerlin = (end: string) => ({ ...hours('22:00', end), zone: 'Europe/Berlin' });
  expect(findHoursEnd(Date.parse('2026-03-29T00:00:00Z'), inBerlin('02:30'))).toBe(Date.parse('2026-03-29T01:00:00Z'));
  expect(findHoursEnd(Date.parse('2026-10-25T00:00:00Z'), inBerlin('02:30'))).toBe(Date.parse('2026-10-25T01:30:00Z'));
});

test('the hours of the user come before those of the tenant, in their zone, and without any none hold', () => {
  const policy = { quietHours: NIGHT, zone: 'Europe/Berlin' };
  const now = '2026-01-10T22:00:00Z';
  expect(ask(now, { policy }).verdict.value).toBe(
    '22:00-08:00 Europe/Berlin (zone of the tenant: that of the user is not known)',
  );
  expect(ask(now, { policy, traits: { time_zone: 'Mars/Olympus' } }).verdict.value).toContain('zone of the tenant');
  const own: Terms = { q: [[minutes('20:00'), minutes('23:30'), 'UTC'], 5] };
  expect(ask(now, { policy, terms: own })).toMatchObject({
    verdict: { level: 'user: quiet hours', since: isoTime(5), until: '2026-01-10T23:30:00.000Z' },
  });
  expect(ask(now, { policy, terms: { q: [0, 5] } }).verdict.verdict).toBe('go');
  expect(ask(now, { policy, terms: { q: [null, 5] } }).verdict.verdict).toBe('hold');
});

test.each<[string, Asked]>([
  ['urgent messages', { isUrgent: true }],
  ['SECURITY', { type: { category: 'SECURITY' } }],
  ['types with quiet: ignore', { type: { quiet: 'ignore' } }],
  ['the inbox', { channel: 'in_app' }],
  ['alerts of operators', { channel: 'internal' }],
])('quiet hours let %s pass', (_, asked) => {
  expect(ask('2026-01-10T23:00:00Z', { ...asked, policy: { quietHours: NIGHT } }).verdict.verdict).toBe('go');
});

describe('legal hours', () => {
  const legal = (more = {}) => ({
    legalHours: { sms: { ...hours('08:00', '21:00'), zones: [], pass: ['TRANSACTIONAL'], regions: {}, ...more } },
  });
  const night = '2026-01-11T03:00:00Z';

  test('hold urgent messages as well, and let the categories pass that the law does', () => {
    const traits = { time_zone: 'America/New_York' };
    expect(ask(night, { policy: legal(), traits, isUrgent: true }).verdict).toMatchObject({
      verdict: 'hold',
      code: 'legal_hours',
      until: '2026-01-11T13:00:00.000Z',
    });
    expect(ask(night, { policy: legal(), traits, type: { category: 'TRANSACTIONAL' } }).verdict.verdict).toBe('go');
  });

  test('of a user whose zone is not known are the hours that all zones allow', () => {
    const policy = legal({ zones: ['America/New_York', 'Pacific/Honolulu'] });
    // 08:00 in Honolulu; in New York it is 13:00 then.
    expect(ask(night, { policy }).verdict.until).toBe('2026-01-11T18:00:00.000Z');
    expect(ask('2026-01-12T02:30:00Z', { policy }).verdict.until).toBe('2026-01-12T18:00:00.000Z');
  });

  test('are stricter in a region from a day on', () => {
    const policy = legal({
      regions: { 'US-FL': [{ ...hours('08:00', '20:00'), from: '2026-01-01', source: 'a statute' }] },
    });
    const traits = { time_zone: 'America/New_York', region: 'US-FL' };
    expect(ask('2026-01-11T01:30:00Z', { policy, traits }).verdict).toMatchObject({
      verdict: 'hold',
      level: 'law: sms in US-FL',
    });
    expect(ask('2026-01-11T01:30:00Z', { policy, traits: { ...traits, region: 'US-NY' } }).verdict.verdict).toBe('go');
    expect(ask('2025-12-31T01:30:00Z', { policy, traits }).verdict.verdict).toBe('go');
  });

  test('and quiet hours that leave no time open drop the message', () => {
    const policy = { ...legal(), quietHours: hours('07:00', '22:00') };
    expect(ask(night, { policy }).verdict).toMatchObject({ verdict: 'drop', code: 'would_expire' });
  });
});

test('what would expire before the hours end is dropped, and what says so does not wait', () => {
  const policy = { quietHours: NIGHT };
  const now = '2026-01-10T23:00:00Z';
  expect(ask(now, { policy, expiresAt: '2026-01-11T08:00:00Z' }).verdict).toMatchObject({
    verdict: 'drop',
    code: 'would_expire',
  });
  expect(ask(now, { policy, expiresAt: '2026-01-11T08:00:01Z' }).verdict.verdict).toBe('hold');
  expect(ask(now, { policy, type: { whenHeld: 'drop' } }).verdict).toMatchObject({
    verdict: 'drop',
    code: 'quiet_hours_dropped',
  });
});

test('a hold is spread over users, the same for each, inside the hours and before it expires', () => {
  const now = '2026-01-10T23:00:00Z';
  const end = Date.parse('2026-01-11T08:00:00Z');
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 60 }), (userId, spread) => {
      const policy = { quietHours: NIGHT, holdSpread: spread * 60_000 };
      const expiresAt = isoTime(end + 300_000);
      const { dueAt, verdict } = ask(now, { policy, userId, expiresAt });
      expect(dueAt).toBeGreaterThanOrEqual(end);
      expect(dueAt).toBeLessThan(end + Math.min(300_000, spread * 60_000));
      expect(verdict.until).toBe(isoTime(dueAt));
      expect(ask(now, { policy, userId, expiresAt }).dueAt).toBe(dueAt);
    }),
    runs(200),
  );
});

test('after a hold the message may go, whatever the zone, the hours and the time', () => {
  const zones = fc.constantFrom('America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC');
  const time = fc.integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2027-01-01T00:00:00Z') });
  const span = fc.tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1439 }));
  fc.assert(
    fc.property(zones, time, span, (zone, now, [start, length]) => {
      const asked = { policy: { quietHours: { start, end: (start + length) % 1440 } }, traits: { time_zone: zone } };
      const { verdict, dueAt } = ask(isoTime(now), asked);
      if (verdict.verdict === 'go') return;
      expect(dueAt).toBeGreaterThan(now);
      expect(dueAt - now).toBeLessThanOrEqual(26 * 3_600_000);
      expect(ask(isoTime(dueAt), asked).verdict.verdict).toBe('go');
    }),
    runs(500),
  );
});

/** Returns the answer of findHoursEnd without remembering anything. */
function lookUpEnd(time: number, { start, end, zone, days }: DailyHours): number | undefined {
  const day = 86_400_000;
  const today = Math.floor((toLocalTime(time, zone) ?? time) / day) * day;
  for (const midnight of [today - day, today, today + day]) {
    if (days && !days.includes(new Date(midnight).getUTCDay() || 7)) continue;
    const from = toEdgeInstant(midnight + start * 60_000, zone, 'first');
    const until = toEdgeInstant(midnight + end * 60_000 + (end <= start ? day : 0), zone, 'last');
    if (time >= from && time < until) return until;
  }
  return undefined;
}

test('the hours that a time lies in do not depend on the times asked before, also around clock changes', () => {
  const changes = ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-11-01T06:00:00Z', '2026-04-04T15:00:00Z'];
  fc.assert(
    fc.property(
      fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC'),
      fc.nat({ max: 1439 }),
      fc.nat({ max: 1440 }),
      fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), { nil: undefined }),
      fc.constantFrom(...changes),
      fc.array(fc.integer({ min: -4 * 1440, max: 4 * 1440 }), { minLength: 1, maxLength: 30 }),
      (zone, start, end, days, around, minutesAround) => {
        const asked = { start, end, zone, ...(days && { days }) };
        for (const minute of minutesAround) {
          const time = Date.parse(around) + minute * 60_000;
          expect(findHoursEnd(time, asked)).toBe(lookUpEnd(time, asked));
        }
      },
    ),
    runs(300),
  );
});
