import { describe, expect, test } from 'vitest';
import { diffCatalogs } from '../src/catalog/diff.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { EVENTS, NOTIFICATIONS, PREFERENCES, TEMPLATES } from './support/every-key.ts';

/** preferences.yaml: what it means, and which mistakes are found where. */

async function read(preferences?: string) {
  const files = {
    'events.yaml': EVENTS,
    'notifications.yaml': NOTIFICATIONS,
    'rules.yaml': 'rules:',
    ...TEMPLATES,
    ...(preferences !== undefined && { 'preferences.yaml': preferences }),
  };
  return parseCatalogFiles(new Map(Object.entries(files)));
}

test('every key has its meaning', async () => {
  const { data, problems } = await read(PREFERENCES);
  expect(problems).toEqual([]);
  expect(data?.preferences).toEqual({
    zone: 'Europe/Berlin',
    defaults: {
      't:TELL': true,
      't:TELL/email': true,
      't:TELL/sms': false,
      't:TELL/push': true,
      't:TELL/in_app': true,
      'c:MARKETING': false,
      'ch:push': true,
    },
    locks: { 't:TELL': true },
    required: ['t:TELL'],
    consent: {
      MARKETING: ['record', { trait: 'opted_in' }],
      'TRANSACTIONAL/sms': ['record'],
      'OPERATIONAL/email': ['record'],
      'OPERATIONAL/sms': ['record'],
    },
    doubleOptIn: {
      'OPERATIONAL/email': { type: 'TELL', within: 3 * 86_400_000 },
      'OPERATIONAL/sms': { type: 'TELL', within: 7 * 86_400_000, keywords: ['YES'] },
    },
    legalHours: {
      push: { start: 480, end: 1260, zones: [], pass: ['TRANSACTIONAL', 'SECURITY'], regions: {} },
      sms: {
        start: 480,
        end: 1260,
        zones: ['America/New_York', 'Pacific/Honolulu'],
        pass: ['SECURITY'],
        regions: {
          'US-FL': [
            {
              start: 480,
              end: 1200,
              notOn: [6, 7],
              from: '2021-07-01',
              source: 'A statute',
              zones: ['America/New_York'],
            },
          ],
        },
        callingCodes: { 1: { region: 'US-FL', zones: ['America/New_York'] }, 44: { zones: ['Europe/London'] } },
      },
    },
    quietHours: { start: 1320, end: 480, zone: 'Europe/Berlin' },
    holdSpread: 600_000,
    audiences: { 't:TELL': ['LOAN'] },
    frequency: { 't:TELL': 'HOURLY', 'c:MARKETING': 'WEEKLY' },
    digestTime: { at: 1110, day: 5 },
    caps: { sms: { perMinute: 2, perHour: 5, perDay: 10, burst: 1 } },
    capsPass: ['URGENT', 'SECURITY'],
  });
});

test('without the file a catalog has no policy, and an empty one says nothing', async () => {
  expect((await read()).data).not.toHaveProperty('preferences');
  expect((await read('')).problems).toEqual([]);
});

describe('mistakes are found where they stand', () => {
  test.each([
    ['required: [OTHER]', 1, 'OTHER is MARKETING, which a user can always turn off', 'remove it'],
    ['required: [MARKETING]', 1, 'MARKETING is MARKETING', 'remove it'],
    ['required:\n  - TELLL', 2, '"TELLL" is neither a notification nor a category', 'did you mean TELL?'],
    ['defaults:\n  types:\n    TEL: false', 3, 'no notification is called "TEL"', 'did you mean TELL?'],
    ['defaults: { categories: { MARKETTING: false } }', 1, '"MARKETTING" is not a category', 'did you mean MARKETING?'],
    ['locks: { channels: { internal: false } }', 1, 'internal does not go to the user', 'use one of'],
    ['locks: { types: { TELL: maybe } }', 1, '"TELL" must be true or false', 'TELL: false'],
    ['consent: { MARKETING: { any: [recrod] } }', 1, '"recrod" is not a source of consent', 'record'],
    ['consent: { MARKETING: { any: [{ triat: x }] } }', 1, 'unknown key "triat"', 'trait'],
    [
      'consent: { MARKETING/email: { double_opt_in: TEL } }',
      1,
      'no notification is called "TEL"',
      'did you mean TELL?',
    ],
    ['consent: { MARKETING: { double_opt_in: TELL } }', 1, 'is for a channel with addresses', 'MARKETING/email:'],
    ['consent: { MARKETING/push: { double_opt_in: TELL } }', 1, 'is for a channel with addresses', 'MARKETING/email:'],
    ['consent: { MARKETING/email: { double_opt_in: OTHER } }', 1, 'OTHER is not sent by email', 'its channels'],
    [
      'consent: { SYSTEM/email: { double_opt_in: TELL } }',
      1,
      'TELL asks for consent, and is itself sent only',
      'category',
    ],
    ['consent: { MARKETING/email: { double_opt_in: TELL, confirm_within: 31d } }', 1, 'must be at most 30d', '7d'],
    ['consent: { MARKETING/email: { any: record, confirm_within: 3d } }', 1, 'and no "double_opt_in"', 'CONFIRM_NEWS'],
    [
      'consent: { MARKETING/email: { any: { trait: x }, double_opt_in: TELL } }',
      1,
      'a record, which does not count',
      'record',
    ],
    ['legal_hours: { sms: 8-21 }', 1, '"sms" is not a pair of times of day', 'sms: 08:00-21:00'],
    ['quiet_hours: 22:00-22:00', 1, '"quiet_hours" begins and ends at the same time', 'quiet_hours: 22:00-08:00'],
    [
      'quiet_hours: { hours: 22:00-08:00, zone: Mars/Olympus }',
      1,
      '"Mars/Olympus" is not a time zone',
      'zone: Europe/Berlin',
    ],
    ['hold_spread: 2h', 1, '"hold_spread" is longer than 1h', 'hold_spread: 10m'],
    ['audiences: { TELL: { product: LOAN } }', 1, 'unknown key "product"', 'products'],
    ['quiet_hour: 22:00-08:00', 1, 'unknown key "quiet_hour"', 'did you mean quiet_hours?'],
    [
      'legal_hours: { sms: { hours: 08:00-21:00, regions: { US-FL: { hours: 08:00-20:00, from: 2021-02-30, source: x } } } }',
      1,
      '"2021-02-30" is not a day',
      'from: 2021-07-01',
    ],
  ])('%s', async (text, line, message, hint) => {
    const { problems } = await read(text);
    const found = problems.find((problem) => problem.message.includes(message));
    expect(found, JSON.stringify(problems)).toMatchObject({ file: 'preferences.yaml', line });
    expect(found?.hint).toContain(hint);
  });
});

test('a misspelled name of the file is not overlooked', async () => {
  const files = { 'events.yaml': EVENTS, 'notifications.yaml': NOTIFICATIONS, 'rules.yaml': 'rules:', ...TEMPLATES };
  const { problems } = await parseCatalogFiles(
    new Map(Object.entries({ ...files, 'preference.yaml': 'required: [TELL]' })),
  );
  expect(problems).toMatchObject([{ file: 'preference.yaml', hint: 'did you mean preferences.yaml?' }]);
});

test('the difference of two catalogs names the section that changed', async () => {
  const [before, after] = await Promise.all([read('locks: { types: { TELL: true } }'), read(PREFERENCES)]);
  const changed = diffCatalogs(before.data!, after.data!);
  expect(changed).toContainEqual({ part: 'preferences', name: 'quiet_hours', change: 'added' });
  expect(changed).not.toContainEqual(expect.objectContaining({ name: 'locks' }));
});

describe('a case states what a user wants', () => {
  const parse = async (event: string) => {
    const { data } = await read();
    const text = `cases: [{ name: x, events: [{ at: 2025-11-03T09:00Z, ${event} }], expect: none }]`;
    return () => parseCases('cases.yaml', text, data!);
  };
  test.each([
    ['preference.updated: { categories: { MARKETING: { sms: false } }, replace: true }'],
    ['consent.recorded: { purpose: MARKETING, channel: sms, state: granted }'],
  ])('by %s', async (event) => {
    expect((await parse(event))()).toHaveLength(1);
  });
  test.each([
    [
      'preference.updated: { categories: { MARKETING: { smss: false } } }',
      /preference\.updated\.categories\.MARKETING: .*smss/,
    ],
    ['preference.updated: { types: { TELL: { frequency: YEARLY } } }', /preference\.updated\.types\.TELL\.frequency/],
    ['consent.recorded: { purpose: MARKETING, state: granted }', /needs a purpose, a channel and a state/],
  ])('a mistake in it is found: %s', async (event, message) => {
    expect(await parse(event)).toThrow(message);
  });
});
