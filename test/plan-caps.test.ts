import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NotificationType } from '../src/model/catalog.ts';
import { MAX_CAP_USES } from '../src/model/plan.ts';
import { type Cap, NO_POLICY, type Policy } from '../src/model/preferences.ts';
import { planChannel } from '../src/plan/verdicts.ts';
import { CountedUses } from '../src/rules/known/counted-uses.ts';
import { formatDate } from '../src/time/calendar.ts';
import { findHoursEnd } from '../src/time/hours.ts';
import { runs } from './support/properties.ts';

/** Caps on the messages of a channel: the first time that is free, with hours, zones and what passes. */

const TYPE: NotificationType = {
  name: 'NEWS',
  category: 'OPERATIONAL',
  channels: ['sms'],
  priority: 'LOW',
  inDoubt: 'hold',
  maxAge: 3_600_000,
};
const MINUTE = 60_000;
const BASE = Date.parse('2026-03-28T10:00:00Z');

interface Asked {
  readonly cap: Cap;
  readonly times: readonly number[];
  readonly now?: number;
  readonly zone?: string;
  readonly policy?: Partial<Policy>;
  readonly isUrgent?: boolean;
  readonly type?: Partial<NotificationType>;
  readonly expiresAt?: number;
}

function ask({ cap, times, now = BASE, zone = 'UTC', policy, isUrgent = false, type, expiresAt }: Asked) {
  const uses = new CountedUses(
    times.map((at, index) => ({ at, bucket: String(at), slot: index + 1, eventId: '', notificationId: '' })),
  );
  return planChannel(
    {
      type: { ...TYPE, ...type },
      channels: ['sms'],
      terms: {},
      policy: { ...NO_POLICY, caps: { sms: cap }, ...policy },
      user: { userId: 'u', profile: { traits: { time_zone: zone }, traitTimes: {} }, isBoundTo: () => true },
      now,
      expiresAt: expiresAt ?? null,
      isUrgent,
      capUses: () => uses,
    },
    'sms',
  );
}

/** Whether these times break a cap. */
function isBroken(times: readonly number[], { perMinute, perHour, perDay }: Cap, zone: string): boolean {
  const sorted = [...times].sort((a, b) => a - b);
  const tooMany = (max: number | undefined, span: number) =>
    max !== undefined && sorted.some((at, index) => (sorted[index + max] ?? Number.POSITIVE_INFINITY) - at < span);
  const days = new Map<string, number>();
  for (const at of sorted) days.set(formatDate(at, zone), (days.get(formatDate(at, zone)) ?? 0) + 1);
  return (
    tooMany(perMinute, MINUTE) ||
    tooMany(perHour, 60 * MINUTE) ||
    (perDay !== undefined && [...days.values()].some((count) => count > perDay))
  );
}

const cap: fc.Arbitrary<Cap> = fc
  .record(
    {
      perMinute: fc.integer({ min: 1, max: 3 }),
      perHour: fc.integer({ min: 1, max: 4 }),
      perDay: fc.integer({ min: 1, max: 6 }),
    },
    { requiredKeys: [] },
  )
  .filter((one) => Object.keys(one).length > 0);
const zones = fc.constantFrom('UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe');

test('no cap is ever broken, and no earlier time was free', () => {
  fc.assert(
    fc.property(
      cap,
      zones,
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      (one, zone, gaps, isQuiet) => {
        const night = { start: 1320, end: 480 };
        const times: number[] = [];
        let now = BASE;
        for (const gap of gaps) {
          now += gap * MINUTE;
          const { verdict, dueAt } = ask({
            cap: one,
            times,
            now,
            zone,
            ...(isQuiet && { policy: { quietHours: night } }),
          });
          if (verdict.verdict === 'drop') continue;
          expect(dueAt).toBeGreaterThanOrEqual(now);
          expect(isBroken([...times, dueAt], one, zone)).toBe(false);
          const isOpen = (at: number) => !isQuiet || findHoursEnd(at, { ...night, zone }) === undefined;
          expect(isOpen(dueAt)).toBe(true);
          for (let at = now; at < Math.min(dueAt, now + 90 * MINUTE); at += 3 * MINUTE) {
            expect(isOpen(at) && !isBroken([...times, at], one, zone)).toBe(false);
          }
          times.push(dueAt);
        }
      },
    ),
    runs(100),
  );
});

test('a day is that of the user, also on a day on which the clocks change', () => {
  const late = Date.parse('2026-03-29T20:00:00Z');
  expect(ask({ cap: { perDay: 1 }, times: [late - 120 * MINUTE], now: late, zone: 'Europe/Berlin' })).toMatchObject({
    verdict: {
      verdict: 'hold',
      code: 'rate_limited',
      value: '1 per day in Europe/Berlin',
      until: '2026-03-29T22:00:00.000Z',
    },
  });
  expect(
    ask({ cap: { perDay: 1 }, times: [late - 120 * MINUTE], now: late, zone: 'Asia/Kolkata' }).verdict.verdict,
  ).toBe('go');
});

test('of a burst no more come at once, and the others when they would have come one by one', () => {
  const first = { cap: { perMinute: 6, burst: 2 }, times: [BASE, BASE] };
  expect(ask(first)).toMatchObject({ dueAt: BASE + 20_000, verdict: { value: '2 at once' } });
});

test('urgent and SECURITY messages pass if the policy says so', () => {
  const full = { cap: { perDay: 1 }, times: [BASE] };
  expect(ask({ ...full, isUrgent: true }).verdict.verdict).toBe('hold');
  expect(ask({ ...full, isUrgent: true, policy: { capsPass: ['URGENT'] } }).verdict.verdict).toBe('go');
  const security = { ...full, type: { category: 'SECURITY' as const }, policy: { capsPass: ['SECURITY'] } };
  expect(ask(security).verdict.verdict).toBe('go');
});

test('what would wait for more than 14 days, or expire, is dropped', () => {
  const days = Array.from({ length: 20 }, (_, day) => BASE + day * 86_400_000);
  expect(ask({ cap: { perDay: 1 }, times: days }).verdict).toMatchObject({ verdict: 'drop', code: 'would_expire' });
  const soon = { cap: { perHour: 1 }, times: [BASE], expiresAt: BASE + 30 * MINUTE };
  expect(ask(soon).verdict).toMatchObject({ verdict: 'drop', code: 'would_expire' });
});

test('a user with thousands of reserved messages gets no further one', () => {
  const times = Array.from({ length: MAX_CAP_USES }, (_, index) => BASE + index * 1000);
  expect(ask({ cap: { perMinute: 1000 }, times: times.slice(1) }).verdict.verdict).toBe('go');
  expect(ask({ cap: { perMinute: 1000 }, times }).verdict).toMatchObject({ verdict: 'drop', code: 'would_expire' });
});
