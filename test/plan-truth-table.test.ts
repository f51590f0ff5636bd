import { describe, expect, test } from 'vitest';
import type { NotificationType } from '../src/model/catalog.ts';
import type { PlanQuestion } from '../src/model/plan.ts';
import { NO_POLICY, type Policy } from '../src/model/preferences.ts';
import type { ConsentTerms, ScopeTerms, Terms } from '../src/model/terms.ts';
import { planChannel } from '../src/plan/verdicts.ts';
import { isoTime } from '../src/time/iso-time.ts';

/** The order of precedence, as a table: what the tenant and the user say about a type by SMS, and the line that decides. */

const NOW = Date.parse('2026-03-02T12:00:00Z');
const SAID = Date.parse('2026-03-01T09:00:00Z');
const TYPE: NotificationType = {
  name: 'NEWS',
  category: 'MARKETING',
  channels: ['sms'],
  priority: 'LOW',
  inDoubt: 'hold',
  maxAge: 3_600_000,
};

const on: ScopeTerms = { on: [1, SAID] };
const off: ScopeTerms = { on: [0, SAID] };
const said = (p: Terms['p']): Terms => ({ ...(p && { p }) });
const consent = (state: ConsentTerms['state'], hash?: string): Terms => ({
  k: { 'MARKETING/sms': { state, at: SAID, ...(hash !== undefined && { hash }) } },
});
const needsConsent: Partial<Policy> = { consent: { MARKETING: ['record', { trait: 'opted_in' }] } };

function ask(policy: Partial<Policy>, terms: Terms, more: Partial<NotificationType> = {}, traits = {}, saidAt = SAID) {
  const question: PlanQuestion = {
    type: { ...TYPE, ...more },
    channels: ['sms'],
    terms,
    policy: { ...NO_POLICY, ...policy },
    user: {
      userId: 'u1',
      profile: { traits, traitTimes: Object.fromEntries(Object.keys(traits).map((trait) => [trait, saidAt])) },
      isBoundTo: (_, { hash }) => hash === undefined || hash === 'own',
    },
    now: NOW,
    expiresAt: null,
    isUrgent: false,
  };
  return planChannel(question, 'sms').verdict;
}

const T = 't:NEWS';
const C = 'c:MARKETING';
const rows: readonly (readonly [
  name: string,
  policy: Partial<Policy>,
  terms: Terms,
  expected: readonly [verdict: string, code: string, level: string],
])[] = [
  ['nothing is said', {}, {}, ['go', 'default_on', 'default']],
  ['a default off', { defaults: { [T]: false } }, {}, ['drop', 'not_subscribed', 'tenant: default of type NEWS']],
  [
    'a narrow default before a broad one',
    { defaults: { [C]: false, [`${T}/sms`]: true } },
    {},
    ['go', 'default_on', 'tenant: default of type NEWS / sms'],
  ],
  [
    'a default off, and the user on',
    { defaults: { [T]: false } },
    said({ [T]: on }),
    ['go', 'preference_on', 'user: type NEWS'],
  ],
  [
    'the category off, the type on',
    {},
    said({ [C]: off, [T]: on }),
    ['drop', 'preference_off', 'user: category MARKETING'],
  ],
  [
    'the category off, the channel of the type on',
    {},
    said({ [C]: off, [`${T}/sms`]: on }),
    ['drop', 'preference_off', 'user: category MARKETING'],
  ],
  ['everything off, the type on', {}, said({ '*': off, [T]: on }), ['drop', 'preference_off', 'user: everything']],
  ['the channel off', {}, said({ 'ch:sms': off, [T]: on }), ['drop', 'preference_off', 'user: channel sms']],
  [
    'only what is listed, and it is not',
    {},
    said({ '*': { on: ['listed', SAID] } }),
    ['drop', 'preference_off', 'user: everything'],
  ],
  [
    'only what is listed, and it is',
    {},
    said({ '*': { on: ['listed', SAID] }, [T]: on }),
    ['go', 'preference_on', 'user: type NEWS'],
  ],
  [
    'a list of channels without it',
    {},
    said({ [T]: { channels: [['email'], SAID] } }),
    ['drop', 'preference_off', 'user: channels of type NEWS'],
  ],
  [
    'a list of channels with it',
    { defaults: { [T]: false } },
    said({ [T]: { channels: [['email', 'sms'], SAID] } }),
    ['go', 'preference_on', 'user: channels of type NEWS'],
  ],
  [
    'never',
    {},
    said({ [T]: { freq: ['NEVER', SAID], on: [1, SAID] } }),
    ['drop', 'preference_off', 'user: frequency of type NEWS'],
  ],
  [
    'a lock on, everything off',
    { locks: { [C]: true } },
    said({ [C]: off, [T]: off }),
    ['go', 'tenant_on', 'tenant: lock of category MARKETING'],
  ],
  [
    'a lock off, the type on',
    { locks: { [T]: false } },
    said({ [T]: on }),
    ['drop', 'tenant_off', 'tenant: lock of type NEWS'],
  ],
  [
    'for users with a product',
    { audiences: { [T]: ['LOAN'] } },
    said({ [T]: on }),
    ['drop', 'not_for_user', 'audience: type NEWS'],
  ],
  [
    'a lock on, for users with a product',
    { locks: { [T]: true }, audiences: { [T]: ['LOAN'] } },
    said({ [T]: on }),
    ['drop', 'not_for_user', 'audience: type NEWS'],
  ],
  [
    'a lock of the channel on, the type off',
    { locks: { [`${T}/sms`]: true } },
    said({ [T]: { on: [0, SAID], freq: ['NEVER', SAID] }, '*': off }),
    ['go', 'tenant_on', 'tenant: lock of type NEWS / sms'],
  ],
  [
    'required, all off',
    { required: [T] },
    said({ [C]: off, [T]: off, [`${T}/sms`]: off }),
    ['go', 'required', 'required: type NEWS'],
  ],
  ['required and locked off', { required: [T], locks: { [T]: false } }, {}, ['go', 'required', 'required: type NEWS']],
  [
    'without consent, all on',
    needsConsent,
    said({ [C]: on, [T]: on, [`${T}/sms`]: on }),
    ['drop', 'consent_missing', 'consent: MARKETING / sms'],
  ],
  ['consent for this address', needsConsent, consent('granted', 'own'), ['go', 'default_on', 'default']],
  [
    'consent for another address',
    needsConsent,
    consent('granted', 'other'),
    ['drop', 'consent_missing', 'consent: MARKETING / sms'],
  ],
  [
    'consent withdrawn, locked on and required',
    { ...needsConsent, locks: { [C]: true }, required: [T] },
    { ...consent('withdrawn'), ...said({ [T]: on }) },
    ['drop', 'consent_withdrawn', 'consent: MARKETING / sms'],
  ],
  [
    'withdrawn where the tenant asks for none',
    {},
    consent('withdrawn'),
    ['drop', 'consent_withdrawn', 'consent: MARKETING / sms'],
  ],
];

test.each(rows)('%s', (_, policy, terms, [verdict, code, level]) => {
  expect(ask(policy, terms)).toMatchObject({ channel: 'sms', verdict, code, level });
});

test('a verdict says when the user said so', () => {
  expect(ask({}, said({ [T]: off }))).toMatchObject({ value: 'off', since: isoTime(SAID) });
  expect(ask({ defaults: { [T]: false } }, {})).toMatchObject({ value: 'off', since: null });
});

describe('a trait as consent', () => {
  const withdrawn = consent('withdrawn');
  test.each([
    ['counts', {}, { opted_in: true }, SAID, 'default_on'],
    ['does not count when it is false', {}, { opted_in: false }, SAID, 'consent_missing'],
    ['loses against a later withdrawal', withdrawn, { opted_in: true }, SAID - 1, 'consent_withdrawn'],
    ['loses against a withdrawal at the same time', withdrawn, { opted_in: true }, SAID, 'consent_withdrawn'],
    ['wins against an earlier withdrawal', withdrawn, { opted_in: true }, SAID + 1, 'default_on'],
  ] as const)('%s', (_, terms, traits, saidAt, code) => {
    expect(ask(needsConsent, terms, {}, traits, saidAt).code).toBe(code);
  });
});

test.each([['LOAN'], [['CREDIT', 'LOAN']]])('a user with the products %j is in the audience', (products) => {
  expect(ask({ audiences: { [C]: ['LOAN'] } }, {}, {}, { products }).verdict).toBe('go');
});

test('SECURITY is required without a word of the tenant', () => {
  expect(ask({}, said({ '*': off }), { category: 'SECURITY' })).toMatchObject({ verdict: 'go', code: 'required' });
});

test('consent that waits for its confirmation changes what is shown, and no verdict', () => {
  const waits = (at: number, hash = 'own', until = NOW + 1): Terms => ({
    w: { 'MARKETING/sms': { at, hash, until } },
  });
  const shown = (terms: Terms) => {
    const { verdict, code, value, since } = ask(needsConsent, terms);
    return [verdict, code, value, since];
  };
  const later = SAID + 1000;
  const missing = ['drop', 'consent_missing', null, null];
  expect(shown(waits(SAID))).toEqual(['drop', 'consent_missing', 'waits_for_confirmation', isoTime(SAID)]);
  // For another address, or expired.
  expect(shown(waits(SAID, 'other'))).toEqual(missing);
  expect(shown(waits(SAID, 'own', NOW))).toEqual(missing);
  const withdrawn = consent('withdrawn');
  expect(shown({ ...withdrawn, ...waits(SAID - 1) })).toEqual(shown(withdrawn));
  expect(shown({ ...withdrawn, ...waits(later) })).toEqual([
    ...['drop', 'consent_withdrawn', 'waits_for_confirmation'],
    isoTime(SAID),
  ]);
  const granted = consent('granted', 'own');
  expect(shown({ ...granted, ...waits(later) })).toEqual(shown(granted));
});
