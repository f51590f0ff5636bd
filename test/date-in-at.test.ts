import { describe, expect, test } from 'vitest';
import { resolveDateExpression } from '../src/time/calendar.ts';
import { lintFiles } from './support/catalog.ts';

const DAY = 86_400_000;
const at = (offset: number, timeOfDay?: number) => ({
  text: 'event.due_on',
  field: 'event.due_on',
  offset,
  ...(timeOfDay !== undefined && { timeOfDay }),
});
const due = (date: string, zone: string, offset = 0, timeOfDay?: number) => {
  const time = resolveDateExpression(at(offset, timeOfDay), zone, date);
  return time === undefined ? undefined : new Date(time).toISOString();
};

describe('a date in `at`', () => {
  test.each([
    ['begins at midnight in the zone', '2025-11-20', 'America/Los_Angeles', 0, undefined, '2025-11-20T08:00:00.000Z'],
    ['has a time of day', '2025-11-20', 'America/Los_Angeles', -3 * DAY, 540, '2025-11-17T17:00:00.000Z'],
    [
      'counts calendar days over a change in spring',
      '2025-03-10',
      'America/New_York',
      -DAY,
      540,
      '2025-03-09T13:00:00.000Z',
    ],
    ['and in autumn', '2025-11-03', 'America/New_York', -DAY, undefined, '2025-11-02T04:00:00.000Z'],
    ['is UTC without another zone', '2025-11-20', 'UTC', 3_600_000, undefined, '2025-11-20T01:00:00.000Z'],
  ] as const)('%s', (_what, date, zone, offset, timeOfDay, expected) => {
    expect(due(date, zone, offset, timeOfDay)).toBe(expected);
  });

  test.each(['2025-02-30', '2025-11-20T10:00', '20251120', 'soon', '2025', ''])('%j is no date', (text) => {
    expect(due(text, 'UTC')).toBeUndefined();
  });
});

async function warnings(rule: string): Promise<string[]> {
  const files = new Map([
    [
      'events.yaml',
      'traits: { trial_ends: date }\nevents: { invoice: { properties: { due_on: date, at: timestamp } } }',
    ],
    ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
    ['rules.yaml', `rules:\n  N: { ${rule} }\n`],
  ]);
  const { problems } = await lintFiles(files);
  return problems
    .filter(({ code }) => code !== 'unused_event')
    .map(({ code, message, hint }) => `${code}: ${message} (${hint})`);
}

describe('the checker says when', () => {
  test('a date without a time of day waits for', async () => {
    expect(await warnings('on: invoice, at: event.due_on - 3d, zone: user')).toEqual([
      "date_at_midnight: event.due_on is a date without a time: this waits for 00:00 in the user's zone (to choose a time, write at: event.due_on - 3d 09:00)",
    ]);
    expect(await warnings('on: invoice, at: user.trial_ends')).toEqual([
      'date_at_midnight: user.trial_ends is a date without a time: this waits for 00:00 in UTC (to choose a time, write at: user.trial_ends 09:00)',
    ]);
  });

  test.each(['at: event.due_on 09:00, zone: user', 'at: event.at - 1d', 'at: event.at 09:00, zone: user'])(
    '%s: nothing',
    async (written) => {
      expect(await warnings(`on: invoice, ${written}`)).toEqual([]);
    },
  );

  test.each([
    ['every: month on 31 at 09:00', 'February, April, June, September, November have no day 31'],
    ['every: month on 30 at 09:00', 'February has no day 30'],
    ['every: month on 29 at 09:00', 'February has no day 29 in three of four years'],
    ['every: cron 0 9 31 3-5 *', 'April has no day 31'],
    ['every: cron 30 18 31 * *', 'February, April, June, September, November have no day 31'],
  ])('a month is left out: %s', async (every, message) => {
    const found = await warnings(`${every}, for: true`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`skipped_months: ${message}`);
    expect(found[0]).toContain('write month on last at ');
  });

  test('a month is left out of a digest', async () => {
    expect(await warnings('on: invoice, digest: { at: month on 31 at 09:00 }')).toHaveLength(1);
  });

  test.each(['month on 28 at 09:00', 'month on last at 09:00', 'cron 0 9 31 1,3 *', 'cron 0 9 31 * 1', 'day 09:00'])(
    'no month is left out: %s',
    async (every) => {
      expect(await warnings(`every: "${every}", for: true`)).toEqual([]);
    },
  );
});
