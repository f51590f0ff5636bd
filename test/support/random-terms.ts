import fc from 'fast-check';
import type { JsonObject } from '../../src/model/event.ts';
import { NO_POLICY, type Policy } from '../../src/model/preferences.ts';
import { DAY, HOUR } from './random-catalog.ts';
import { type Step, someHistory } from './random-history.ts';
import { seal, type TenantTerms } from './replay.ts';

/** Terms of users and tenants, requests for messages, and histories in which they come in any order. */

const onOff = fc.constantFrom(true, false, null);
const frequency = fc.constantFrom('IMMEDIATE', 'HOURLY', 'DAILY', 'WEEKLY', 'NEVER', null);
export const someChange = fc.record(
  {
    all: fc.constantFrom(true, false, 'only_listed', null),
    types: fc.dictionary(
      fc.constantFrom('N1', 'N2'),
      fc.record({ enabled: onOff, sms: onOff, frequency }, { requiredKeys: [] }),
    ),
    categories: fc.dictionary(
      fc.constant('OPERATIONAL'),
      fc.record({ enabled: onOff, email: onOff }, { requiredKeys: [] }),
    ),
    channels: fc.dictionary(fc.constantFrom('email', 'sms'), onOff),
    digest_time: fc.constantFrom(null, { at: '18:00' }, { at: '02:30', day: 'friday' }),
    quiet_hours: fc.constantFrom(null, { enabled: false }, { start: '20:00', end: '10:00' }),
    replace: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;

/** Two of the three have one mask. */
const ADDRESSES = ['ann@example.com', 'abe@example.com', 'eve@example.com'] as const;
const address = fc.constantFrom(...ADDRESSES);

export const someConsent: fc.Arbitrary<JsonObject> = fc
  .record({
    channel: fc.constantFrom('email', 'sms'),
    state: fc.constantFrom('granted', 'granted', 'withdrawn', 'pending'),
    to: fc.option(address),
  })
  .map(({ channel, state, to }) => ({
    purpose: 'OPERATIONAL',
    channel,
    state,
    ...(to !== null && channel === 'email' && { address_hash: seal.hash(to), address: `${to[0]}…@example.com` }),
  }));

/** One that comes twice has the same content. */
const plainRequest: fc.Arbitrary<JsonObject> = fc
  .constantFrom('r1', 'r2', 'r3')
  .map((id) => ({ notification_type: 'N1', request_id: id, variables: {} }));

const someRequest: fc.Arbitrary<JsonObject> = fc.record(
  {
    notification_type: fc.constantFrom('N1', 'N1', 'N2'),
    request_id: fc.constantFrom('r1', 'r2'),
    variables: fc.constantFrom({}, { n: 1 }),
    content: fc.constantFrom(null, null, { text: 'Hello' }),
    channels: fc.constantFrom(['email'], ['sms']),
    priority: fc.constantFrom('URGENT', 'LOW'),
    scheduled_at: fc.constantFrom('2025-10-27T08:00:00Z', { local: '2025-10-28T09:00', zone: 'recipient' }),
    expires_at: fc.constantFrom('2025-10-26T12:00:00Z', '2025-11-05T00:00:00Z'),
  },
  { requiredKeys: ['notification_type', 'request_id'] },
) as fc.Arbitrary<JsonObject>;

/** Something that is posted about a user: a change of preferences, a consent, a request, or an event with an address. */
export const someSaid = fc.oneof(
  someChange.map((properties) => ({ type: 'preference.updated', properties, traits: {} })),
  someConsent.map((properties) => ({ type: 'consent.recorded', properties, traits: {} })),
  fc.oneof(plainRequest, someRequest).map((properties) => ({ type: 'notification.requested', properties, traits: {} })),
  fc
    .tuple(address, fc.constantFrom('a', 'b'))
    .map(([email, type]) => ({ type, properties: { n: 2 }, traits: { email } })),
);

/** Two posts are never in the same millisecond: the second waits for it to pass. */
const saying: fc.Arbitrary<Step> = fc
  .record({
    gap: fc.oneof(fc.integer({ min: 1, max: HOUR }), fc.integer({ min: 1, max: 12 * HOUR })),
    events: fc.array(
      fc.record({
        user: fc.integer({ min: 0, max: 1 }),
        late: fc.constantFrom(0, 0, 1, HOUR, 20 * HOUR),
        what: someSaid,
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ gap, events }) => ({
    gap,
    kind: 'post' as const,
    events: events.map(({ what, ...event }) => ({ ...event, startsIn: null, ...what })),
  }));

/** A history with what users say, and what is asked for, in between. */
export const someHistoryOnTerms: fc.Arbitrary<readonly Step[]> = fc
  .tuple(someHistory(15), fc.array(fc.tuple(saying, fc.nat(15)), { minLength: 1, maxLength: 10 }))
  .map(([steps, inserted]) => {
    const all = steps.filter(({ kind }) => kind !== 'apply');
    for (const [step, place] of inserted) all.splice(place % (all.length + 1), 0, step);
    return all;
  });

const switches = fc.dictionary(fc.constantFrom('t:N1', 't:N2/sms', 'c:OPERATIONAL', 'ch:email'), fc.boolean());
export const somePolicy: fc.Arbitrary<Policy> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(NO_POLICY) },
  {
    weight: 3,
    arbitrary: fc
      .record({
        defaults: switches,
        locks: switches,
        consent: fc.constantFrom<Policy['consent']>(
          {},
          { OPERATIONAL: ['record', { trait: 'vip' }] },
          { 'OPERATIONAL/email': ['record'] },
        ),
        quietHours: fc.constantFrom({ start: 1320, end: 480 }, { start: 0, end: 1 }),
        holdSpread: fc.constantFrom(0, 600_000),
        caps: fc.constantFrom<Policy['caps']>(
          NO_POLICY.caps,
          { email: { perHour: 1, perDay: 2 } },
          { email: { perMinute: 1 }, sms: { perDay: 1 } },
          { sms: { perHour: 3, burst: 1 } },
        ),
        frequency: fc.dictionary(
          fc.constantFrom('t:N1', 'c:OPERATIONAL'),
          fc.constantFrom('HOURLY' as const, 'DAILY' as const, 'WEEKLY' as const),
        ),
      })
      .map((some) => ({ ...NO_POLICY, ...some })),
  },
);

export const someTerms: fc.Arbitrary<TenantTerms> = fc.record({
  policy: somePolicy,
  dedupe: fc.constantFrom(undefined, HOUR, DAY, DAY),
});
