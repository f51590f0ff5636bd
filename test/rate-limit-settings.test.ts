import { describe, expect, test } from 'vitest';
import { parseInstallationLimits } from '../src/channels/installation-limits.ts';
import { toWindows } from '../src/model/rate-limit.ts';

/** Rate limits as they are written. */

const parse = (value: unknown) =>
  parseInstallationLimits('TIDINGS_LIMITS', typeof value === 'string' ? value : JSON.stringify(value));

describe('TIDINGS_LIMITS', () => {
  test('gives limits of channels by scope, and of the accounts of the installation', () => {
    const sms = { global: { per_second: 20 }, tenant: { per_minute: 600, burst: 30 }, user: { per_day: 10 } };
    expect(parse({ sms, accounts: { ses: { per_second: 200 } } })).toEqual({
      channels: { sms },
      accounts: { ses: { per_second: 200 } },
    });
    expect(parse('')).toEqual({ channels: {}, accounts: {} });
  });

  test.each([
    ['{', 'is not JSON'],
    ['[]', 'must be an object'],
    ['{"smss": {}}', 'did you mean sms?'],
    ['{"sms": 5}', 'sms must be an object'],
    ['{"sms": {"users": {"per_day": 1}}}', 'did you mean user?'],
    ['{"sms": {"user": {}}}', 'needs at least one of per_second, per_minute, per_hour, per_day'],
    ['{"sms": {"user": {"burst": 5}}}', 'needs at least one of'],
    ['{"sms": {"user": {"per_day": 0}}}', 'per_day must be a whole number from 1'],
    ['{"sms": {"user": {"per_day": 1.5}}}', 'per_day must be a whole number from 1'],
    ['{"sms": {"user": {"per_week": 1}}}', 'per_week is not known'],
    ['{"accounts": {"sess": {"per_day": 1}}}', 'did you mean ses?'],
    ['{"accounts": 1}', 'accounts must be an object'],
  ])('%s is rejected with its place and what would be right', (text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow('TIDINGS_LIMITS');
  });
});

test('a burst is for the shortest period, and a longer one may be used up at once', () => {
  expect(toWindows('x', { per_second: 10, per_day: 1000, burst: 3 })).toEqual([
    { id: 'x per_second', interval: 100, capacity: 3 },
    { id: 'x per_day', interval: 86_400, capacity: 1000 },
  ]);
  expect(toWindows('x', { per_minute: 30 })).toEqual([{ id: 'x per_minute', interval: 2000, capacity: 30 }]);
});
