import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CATEGORIES, type NotificationType } from '../src/model/catalog.ts';
import type { JsonObject } from '../src/model/event.ts';
import { NO_POLICY, type Policy } from '../src/model/preferences.ts';
import { CONSENT_RECORDED, FREQUENCIES, NO_TERMS, PREFERENCE_UPDATED, type Terms } from '../src/model/terms.ts';
import { planChannel } from '../src/plan/verdicts.ts';
import { mergeTerms, parseStoredTerms, termsBefore, uniteTerms } from '../src/users/terms.ts';
import { runs } from './support/properties.ts';

type Said = { readonly type: string; readonly properties: JsonObject; readonly time: number };

/** Few times, so that many things are said at once. */
const time = fc.integer({ min: 1, max: 6 });
const onOff = fc.constantFrom(true, false, null);
const cell = fc.record({ enabled: onOff, email: onOff, sms: onOff }, { requiredKeys: [] });
const typeCell = fc.record(
  {
    enabled: onOff,
    sms: onOff,
    channels: fc.option(fc.uniqueArray(fc.constantFrom('email', 'sms', 'push')), { nil: null }),
    frequency: fc.option(fc.constantFrom(...FREQUENCIES), { nil: null }),
  },
  { requiredKeys: [] },
);
const change = fc.record(
  {
    all: fc.constantFrom(true, false, 'only_listed', null),
    types: fc.dictionary(fc.constantFrom('NEWS', 'OTHER'), typeCell),
    categories: fc.dictionary(fc.constantFrom(...CATEGORIES.slice(0, 2)), cell),
    channels: fc.dictionary(fc.constantFrom('email', 'sms'), onOff),
    quiet_hours: fc.constantFrom(
      null,
      { enabled: false },
      { start: '22:00', end: '08:00' },
      { start: '21:00', end: '07:00', zone: 'Europe/Berlin' },
    ),
    replace: fc.boolean(),
  },
  { requiredKeys: [] },
);
const consent = fc.record({
  purpose: fc.constantFrom('MARKETING', 'TRANSACTIONAL'),
  channel: fc.constantFrom('sms', 'email'),
  state: fc.constantFrom('granted', 'withdrawn', 'pending'),
  source: fc.constantFrom('form', 'import'),
  address_hash: fc.constantFrom('h1', 'h2'),
});
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ type: fc.constant(PREFERENCE_UPDATED), properties: change as fc.Arbitrary<JsonObject>, time }),
  fc.record({ type: fc.constant(CONSENT_RECORDED), properties: consent as fc.Arbitrary<JsonObject>, time }),
);
const merge = (all: readonly Said[], from: Terms = NO_TERMS) => all.reduce(mergeTerms, from);

describe('the merge of what a user says', () => {
  const shuffled = fc
    .array(said, { maxLength: 12 })
    .chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );

  test('does not depend on the order of arrival, and is the same when it is repeated', () => {
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        const terms = merge(all);
        expect(merge(other)).toEqual(terms);
        expect(merge(all, terms)).toEqual(terms);
      }),
      runs(2000),
    );
  });

  test('is what it was after it was stored, and can be taken up from what was said before', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 10 }), (all) => {
        const inOrder = [...all].sort((a, b) => a.time - b.time);
        const terms = merge(inOrder);
        const stored = parseStoredTerms(JSON.stringify(terms));
        expect(stored).toEqual(terms);
        const later = inOrder.filter((one) => one.time > 3);
        expect(merge(later, termsBefore(merge(inOrder.filter((one) => one.time <= 3)), 4))).toEqual(terms);
      }),
      runs(1000),
    );
  });

  test('says nothing without a word, and keeps the object when nothing changes', () => {
    expect(mergeTerms(NO_TERMS, { type: 'signup', properties: {}, time: 1 })).toBe(NO_TERMS);
    const terms = merge([{ type: PREFERENCE_UPDATED, properties: { all: false }, time: 5 }]);
    expect(mergeTerms(terms, { type: PREFERENCE_UPDATED, properties: { all: true }, time: 4 })).toBe(terms);
    expect(mergeTerms(terms, { type: PREFERENCE_UPDATED, properties: { all: true }, time: 5 })).toBe(terms);
  });

  test('a broad change never erases a narrower one', () => {
    const terms = merge([
      { type: PREFERENCE_UPDATED, properties: { types: { NEWS: { sms: false } } }, time: 1 },
      { type: PREFERENCE_UPDATED, properties: { all: true, categories: { MARKETING: { enabled: true } } }, time: 2 },
    ]);
    expect(terms.p?.['t:NEWS/sms']?.on).toEqual([0, 1]);
  });

  test('an import turns no withdrawal into consent, whenever it arrives', () => {
    const withdrawn = {
      type: CONSENT_RECORDED,
      properties: { purpose: 'MARKETING', channel: 'sms', state: 'withdrawn' },
      time: 1,
    };
    const granted = { purpose: 'MARKETING', channel: 'sms', state: 'granted', source: 'import' };
    const imported = { type: CONSENT_RECORDED, properties: granted, time: 9 };
    for (const all of [
      [withdrawn, imported],
      [imported, withdrawn],
    ]) {
      expect(merge(all).k?.['MARKETING/sms']?.state).toBe('withdrawn');
    }
    const own = { type: CONSENT_RECORDED, properties: { ...granted, source: 'form' }, time: 5 };
    expect(merge([withdrawn, imported, own]).k?.['MARKETING/sms']?.state).toBe('granted');
  });
});

const TYPE: NotificationType = {
  name: 'NEWS',
  category: 'MARKETING',
  channels: ['sms', 'email'],
  priority: 'LOW',
  inDoubt: 'hold',
  maxAge: 1000,
};
const switches = fc.dictionary(
  fc.constantFrom('t:NEWS', 't:NEWS/sms', 'c:MARKETING', 'c:MARKETING/sms', 'ch:sms'),
  fc.boolean(),
);
const policies: fc.Arbitrary<Policy> = fc
  .record({
    defaults: switches,
    locks: switches,
    required: fc.subarray(['t:NEWS', 'c:SECURITY']),
    consent: fc.constantFrom<Policy['consent']>(
      {},
      { MARKETING: ['record'] },
      { 'MARKETING/sms': [{ trait: 'opt_in' }] },
    ),
    audiences: fc.constantFrom<Policy['audiences']>({}, { 't:NEWS': ['LOAN'] }),
    quietHours: fc.constantFrom({ start: 1320, end: 480 }, { start: 60, end: 120 }),
  })
  .map((policy) => ({ ...NO_POLICY, ...policy }));
const users = fc.record({
  traits: fc.record({ opt_in: fc.boolean(), products: fc.constantFrom('LOAN', 'CREDIT') }),
  category: fc.constantFrom(...CATEGORIES),
});

function ask(
  policy: Policy,
  terms: Terms,
  { traits, category }: { traits: JsonObject; category: (typeof CATEGORIES)[number] },
) {
  return planChannel(
    {
      type: { ...TYPE, category },
      channels: ['sms'],
      terms,
      policy,
      user: { userId: 'u1', profile: { traits, traitTimes: { opt_in: 3 } }, isBoundTo: (_, { hash }) => hash !== 'h2' },
      now: Date.parse('2026-01-10T12:00:00Z'),
      expiresAt: null,
      isUrgent: false,
    },
    'sms',
  );
}

describe('the plan, whatever the policy, the terms and the user', () => {
  const anyTerms = fc.array(said, { maxLength: 8 }).map((all) => merge(all));

  test('does not depend on the order of keys, and is asked again with the same result', () => {
    const reverse = <T>(value: T): T =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, one]) => [key, reverse(one)]),
          ) as T)
        : value;
    fc.assert(
      fc.property(policies, anyTerms, users, (policy, terms, user) => {
        expect(ask(reverse(policy), reverse(terms), user)).toEqual(ask(policy, terms, user));
      }),
      runs(1000),
    );
  });

  test('another "off" of the user makes nothing go', () => {
    const scope = fc.constantFrom<JsonObject>(
      { all: false },
      { channels: { sms: false } },
      { categories: { MARKETING: { enabled: false } } },
      { types: { NEWS: { sms: false } } },
      { types: { NEWS: { frequency: 'NEVER' } } },
    );
    fc.assert(
      fc.property(policies, anyTerms, users, scope, (policy, terms, user, properties) => {
        if (ask(policy, terms, user).verdict.verdict !== 'drop') return;
        const stricter = mergeTerms(terms, { type: PREFERENCE_UPDATED, properties, time: 99 });
        expect(ask(policy, stricter, user).verdict.verdict).toBe('drop');
      }),
      runs(2000),
    );
  });

  test('another "on" of the user lifts no consent, lock, requirement or audience', () => {
    const ofTenant = ['consent_missing', 'consent_withdrawn', 'tenant_off', 'tenant_on', 'required', 'not_for_user'];
    const on = { all: true, channels: { sms: true }, types: { NEWS: { enabled: true, sms: true } } };
    fc.assert(
      fc.property(policies, anyTerms, users, (policy, terms, user) => {
        const before = ask(policy, terms, user).verdict;
        const after = ask(
          policy,
          mergeTerms(terms, { type: PREFERENCE_UPDATED, properties: on, time: 99 }),
          user,
        ).verdict;
        if (ofTenant.includes(before.code)) expect(after).toEqual(before);
      }),
      runs(2000),
    );
  });

  test('every verdict names exactly one level and a value', () => {
    fc.assert(
      fc.property(policies, anyTerms, users, (policy, terms, user) => {
        const { verdict } = ask(policy, terms, user);
        expect(verdict.level).toMatch(/^(default|(user|tenant|required|consent|audience|law): .+)$/);
        const isSaid = verdict.code === 'consent_withdrawn' || verdict.value === 'waits_for_confirmation';
        expect(verdict.since === null || verdict.level.startsWith('user') || isSaid).toBe(true);
      }),
      runs(1000),
    );
  });
});

describe('the united terms of two users', () => {
  const terms = fc.array(said, { maxLength: 8 }).map((all) => merge(all));

  test('are what either turned off or withdrew, and of the rest the newest', () => {
    fc.assert(
      fc.property(terms, terms, (one, other) => {
        const united = uniteTerms(one, other);
        for (const [scope, said] of [...Object.entries(one.p ?? {}), ...Object.entries(other.p ?? {})]) {
          const now = united.p?.[scope];
          if (said.on?.[0] === 0) expect(now?.on?.[0]).toBe(0);
          if (said.freq?.[0] === 'NEVER') expect(now?.freq?.[0]).toBe('NEVER');
          for (const field of ['on', 'freq'] as const)
            if (now?.[field] && now[field][0] !== 0 && now[field][0] !== 'NEVER' && said[field])
              expect(now[field][1]).toBeGreaterThanOrEqual(said[field][1]);
          const listed = said.channels?.[0];
          if (listed) expect(now?.channels?.[0]?.filter((channel) => !listed.includes(channel))).toEqual([]);
        }
        for (const [key, said] of [...Object.entries(one.k ?? {}), ...Object.entries(other.k ?? {})]) {
          if (said.state === 'withdrawn') expect(united.k?.[key]?.state).toBe('withdrawn');
          // Only grants of one of the two are granted.
          if (united.k?.[key]?.state === 'granted')
            expect([one.k?.[key], other.k?.[key]]).toContainEqual(united.k[key]);
        }
      }),
      runs(300),
    );
  });

  test('are the same again when they are united once more, or the other way round but for the address of a grant', () => {
    const withoutHash = ({ k, ...others }: Terms) => [
      others,
      Object.entries(k ?? {})
        .map(([key, { state }]) => `${key} ${state}`)
        .sort(),
    ];
    fc.assert(
      fc.property(terms, terms, (one, other) => {
        const united = uniteTerms(one, other);
        expect(uniteTerms(united, other)).toEqual(united);
        expect(withoutHash(uniteTerms(other, one))).toEqual(withoutHash(united));
      }),
      runs(300),
    );
  });

  test('stay off and withdrawn after what arrives late, from before what they outweighed', () => {
    const news = (cell: JsonObject, time: number): Said => ({
      type: PREFERENCE_UPDATED,
      properties: { types: { NEWS: cell } },
      time,
    });
    const say = (state: string, time: number): Said => ({
      type: CONSENT_RECORDED,
      properties: { purpose: 'MARKETING', channel: 'sms', state },
      time,
    });
    for (const [off, on] of [
      [{ enabled: false }, { enabled: true }],
      [{ frequency: 'NEVER' }, { frequency: 'DAILY' }],
      [{ channels: ['email'] }, { channels: null }],
    ] as const) {
      const one = merge([news(off as unknown as JsonObject, 1), say('withdrawn', 1)]);
      const other = merge([news(on, 3), say('granted', 3)]);
      for (const united of [uniteTerms(one, other), uniteTerms(other, one)])
        expect(merge([news(on, 2), say('granted', 2)], united)).toEqual(united);
    }
  });

  test('do not let a grant for another address replace that of the survivor', () => {
    const granted = (address: string, at: number) =>
      merge([
        {
          type: CONSENT_RECORDED,
          properties: { purpose: 'MARKETING', channel: 'sms', state: 'granted', address_hash: address },
          time: at,
        },
      ]);
    expect(uniteTerms(granted('h1', 1), granted('h2', 2)).k?.['MARKETING/sms']?.hash).toBe('h1');
    expect(uniteTerms(NO_TERMS, granted('h2', 2)).k?.['MARKETING/sms']?.hash).toBe('h2');
    expect(uniteTerms(NO_TERMS, NO_TERMS)).toBe(NO_TERMS);
  });
});
