import { describe, expect, test } from 'vitest';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import type { NotificationType } from '../src/model/catalog.ts';
import { NO_POLICY, type Policy } from '../src/model/preferences.ts';
import { planChannel } from '../src/plan/verdicts.ts';

/** Legal hours of preferences.yaml by the region of the recipient: which hours held on which day, and in which zones. */

const FILES: [string, string][] = [
  ['events.yaml', 'events: { signed_up: {} }'],
  ['notifications.yaml', 'notifications: { PROMO: { category: MARKETING, channels: [sms, email] } }'],
  ['rules.yaml', 'rules: { PROMO: { on: signed_up } }'],
  ...['sms.en.txt', 'email.en.txt', 'email.en.subject.txt'].map((part): [string, string] => [
    `templates/PROMO/${part}`,
    'Promo {{unsubscribe_url}}',
  ]),
];

/** The hours of the TCPA (47 CFR 64.1200), with stricter ones of a state. */
const TCPA = `legal_hours:
  sms:
    hours: 08:00-21:00
    zones: [America/New_York, Pacific/Honolulu]
    calling_codes:
      "49": { region: DE, zones: [Europe/Berlin] }
      "44": [Europe/London]
    regions:
      US-FL:
        - { hours: 09:00-21:00, from: 2015-01-01, source: an older law, zones: [America/New_York, America/Chicago] }
        - { hours: 08:00-20:00, from: 2021-07-01, source: Florida Statutes 501.059, zones: [America/New_York, America/Chicago] }
      DE: { hours: 09:00-20:00, from: 2020-01-01, source: house rule }
      US-AL: { hours: 08:00-20:00, not_on: [sunday], from: 2020-01-01, source: a state rule, zones: [America/Chicago] }
      LAZY: { hours: 10:00-12:00, not_on: [sunday, saturday], from: 2020-01-01, source: house rule, zones: [Europe/Berlin] }
`;

async function policyOf(text: string): Promise<Partial<Policy>> {
  const { data, problems } = await parseCatalogFiles(new Map([...FILES, ['preferences.yaml', text]]));
  expect(problems).toEqual([]);
  return data?.preferences ?? {};
}

const TYPE: NotificationType = {
  ...{
    name: 'PROMO',
    category: 'MARKETING',
    channels: ['sms', 'email'],
    priority: 'LOW',
    inDoubt: 'hold',
    maxAge: 3_600_000,
  },
};

async function ask(now: string, traits: { readonly [trait: string]: string }, channel: 'sms' | 'email' = 'sms') {
  const policy = { ...NO_POLICY, ...(await policyOf(TCPA)) };
  const user = { userId: 'u1', profile: { traits, traitTimes: {} }, isBoundTo: () => true };
  const question = { type: TYPE, channels: TYPE.channels, terms: {}, policy, user, expiresAt: null, isUrgent: false };
  const { verdict } = planChannel({ ...question, now: Date.parse(now) }, channel);
  return [verdict.verdict, verdict.until ?? null, verdict.level, String(verdict.value)] as const;
}

describe('the weekdays of a region', () => {
  const inAlabama = { region: 'US-AL', time_zone: 'America/Chicago' };

  test('on which nothing is allowed hold until the next day, and its hours, in the zone of the user', async () => {
    // Sunday 21 November 2027, noon in Chicago.
    expect(await ask('2027-11-21T18:00:00Z', inAlabama)).toEqual([
      ...['hold', '2027-11-22T14:00:00.000Z', 'law: sms in US-AL', '08:00-20:00 America/Chicago (zone of the user)'],
    ]);
    // Saturday 23:30 in Chicago is held over Sunday; Saturday noon and Monday noon go.
    expect((await ask('2027-11-21T05:30:00Z', inAlabama)).slice(0, 2)).toEqual(['hold', '2027-11-22T14:00:00.000Z']);
    expect((await ask('2027-11-20T18:00:00Z', inAlabama))[0]).toBe('go');
    expect((await ask('2027-11-22T18:00:00Z', inAlabama))[0]).toBe('go');
    // It is Monday in Tokyo, while it is Sunday for the user.
    expect((await ask('2027-11-22T01:30:00Z', inAlabama))[1]).toBe('2027-11-22T14:00:00.000Z');
  });

  test('may be several in a row, and over a clock change', async () => {
    const lazy = { region: 'LAZY', time_zone: 'Europe/Berlin' };
    expect((await ask('2027-10-29T13:00:00Z', lazy)).slice(0, 2)).toEqual(['hold', '2027-11-01T09:00:00.000Z']);
    expect((await ask('2027-10-31T00:30:00Z', lazy)).slice(0, 2)).toEqual(['hold', '2027-11-01T09:00:00.000Z']);
  });

  test('are weekdays, and leave one', async () => {
    const problems = async (days: string) => {
      const text = TCPA.replace('not_on: [sunday]', `not_on: ${days}`);
      return (await parseCatalogFiles(new Map([...FILES, ['preferences.yaml', text]]))).problems.map(
        (one) => one.message,
      );
    };
    expect(await problems('[sonntag]')).toMatchObject([expect.stringContaining('weekday')]);
    const all = '[monday, tuesday, wednesday, thursday, friday, saturday, sunday]';
    expect(await problems(all)).toEqual(['"not_on" leaves no day on which messages go']);
  });
});

describe('the hours of a region', () => {
  const inFlorida = { region: 'US-FL', time_zone: 'America/New_York' };

  test('are those of the latest day that has begun', async () => {
    // 08:30 in New York: the older law held until nine, the newer one allows it.
    expect((await ask('2021-06-30T12:30:00Z', inFlorida)).slice(0, 3)).toEqual([
      ...['hold', '2021-06-30T13:00:00.000Z', 'law: sms in US-FL'],
    ]);
    expect((await ask('2021-07-01T12:30:00Z', inFlorida))[0]).toBe('go');
    // 20:30 in New York.
    expect((await ask('2021-06-30T00:30:00Z', inFlorida))[0]).toBe('go');
    expect((await ask('2021-07-03T00:30:00Z', inFlorida)).slice(0, 2)).toEqual(['hold', '2021-07-03T12:00:00.000Z']);
    // Before the first day, those of the channel: 08:30 is allowed.
    expect((await ask('2014-06-30T12:30:00Z', inFlorida))[0]).toBe('go');
  });

  test('of a user whose zone is not known hold in each zone of the region', async () => {
    // 08:30 in New York is 07:30 in Chicago; until it is 08:00 there.
    const [verdict, until, level, value] = await ask('2025-07-01T12:30:00Z', { region: 'US-FL' });
    expect([verdict, until, level]).toEqual(['hold', '2025-07-01T13:00:00.000Z', 'law: sms in US-FL']);
    expect(value).toContain('America/Chicago (a zone of US-FL: that of the user is not known)');
    // 19:30 in Chicago is 20:30 in New York.
    expect((await ask('2025-07-02T00:30:00Z', { region: 'US-FL' }))[0]).toBe('hold');
    expect((await ask('2025-07-01T15:00:00Z', { region: 'US-FL' }))[0]).toBe('go');
  });
});

describe('the calling code of a phone number, which its mask keeps,', () => {
  test.each([
    ['+491…78', '2025-01-15T07:30:00Z', 'hold', '2025-01-15T08:00:00.000Z', 'law: sms in DE'],
    ['+4915112345678', '2025-01-15T07:30:00Z', 'hold', '2025-01-15T08:00:00.000Z', 'law: sms in DE'],
    ['+491…78', '2025-01-15T18:59:00Z', 'go', null, undefined],
    ['+447…78', '2025-01-15T07:30:00Z', 'hold', '2025-01-15T08:00:00.000Z', 'law: sms'],
    ['+447…78', '2025-01-15T20:59:00Z', 'go', null, undefined],
    // Another code: every zone of the channel.
    ['+351…78', '2025-01-15T17:30:00Z', 'hold', '2025-01-15T18:00:00.000Z', 'law: sms'],
    ['+351…78', '2025-01-15T18:00:00Z', 'go', null, undefined],
  ])('says where %s is, at %s', async (phone, now, verdict, until, level) => {
    const found = await ask(now, { phone });
    expect(found.slice(0, 2)).toEqual([verdict, until]);
    if (level) expect(found[2]).toBe(level);
  });

  test('says nothing against the zone and the region of the user, nor about another channel', async () => {
    const phone = '+491…78';
    expect((await ask('2025-01-15T07:30:00Z', { phone, time_zone: 'Asia/Tokyo' }))[0]).toBe('go');
    expect((await ask('2025-07-01T12:30:00Z', { phone, region: 'US-FL' }))[2]).toBe('law: sms in US-FL');
    expect((await ask('2025-01-15T03:00:00Z', { phone }, 'email'))[0]).toBe('go');
  });
});

test.each([
  ['"4915": [Europe/Berlin]', /not a calling code/, /"49"/],
  ['"49": { region: DEU }', /"regions" has no "DEU"/, /did you mean DE\?/],
  ['"49": [Europe/Berln]', /is not a time zone/, undefined],
  ['"49": { zone: Europe/Berlin }', /unknown key "zone"/, /zones/],
])('the checker rejects %s', async (code, message, hint) => {
  const text = `legal_hours: { sms: { hours: 08:00-21:00, calling_codes: { ${code} }, regions: { DE: { hours: 09:00-20:00, from: 2020-01-01, source: x } } } }`;
  const { problems } = await parseCatalogFiles(new Map([...FILES, ['preferences.yaml', text]]));
  expect(problems[0]).toMatchObject({ file: 'preferences.yaml', message: expect.stringMatching(message) });
  if (hint) expect(problems[0]?.hint).toMatch(hint);
});
