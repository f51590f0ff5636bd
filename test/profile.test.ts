import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject, Profile } from '../src/model/event.ts';
import { Seal } from '../src/privacy/seal.ts';
import { AddressChanges, addressAad } from '../src/users/addresses.ts';
import { maskProfile, mergeTraits } from '../src/users/profile.ts';
import { accept, VALID_EVENT } from './support/events.ts';
import { runs } from './support/properties.ts';

describe('a profile', () => {
  const traits = fc.record(
    {
      plan: fc.constantFrom('free', 'paid', null),
      vip: fc.boolean(),
      // Several addresses share a mask, so that a mask does not identify an address.
      email: fc.constantFrom('maria@example.com', 'mark@example.com', 'anna@example.com', '', null),
      phone_number: fc.constantFrom<Json[]>(351912345678, true, { home: '1' }, null),
      email_address: fc.constantFrom('maria@example.com', 'max@example.com', null),
      phone: fc.constantFrom('+351912345678', '+351910000078', null),
    },
    { requiredKeys: [] },
  );
  const history = fc.array(fc.record({ second: fc.integer({ min: 10, max: 14 }), traits }), {
    minLength: 2,
    maxLength: 6,
  });
  const orders = history.chain((events) =>
    fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
  );

  test('has the trait value of the latest event time, in any order of arrival', () => {
    fc.assert(
      fc.property(orders, ([events, order]) => {
        const profile = profileAfter(order).profile;
        expect(profile).toEqual(profileAfter(events).profile);
        for (const [trait, time] of Object.entries(profile.traitTimes)) {
          const times = events.filter((event) => trait in event.traits).map(({ second }) => timeOf(second));
          expect(time).toBe(Math.max(...times));
        }
      }),
      runs(2000),
    );
  });

  test('has the address of the latest event time, from any trait that names it', () => {
    fc.assert(
      fc.property(orders, ([events, order]) => {
        expect(profileAfter(order).hashes).toEqual(profileAfter(events).hashes);
      }),
      runs(2000),
    );
  });

  test.each<[string, [number, object][], string | undefined]>([
    [
      'the newer one',
      [
        [10, { email: 'old@example.com' }],
        [11, { email: 'new@example.com' }],
      ],
      'new@example.com',
    ],
    [
      'an older one that arrives late does not replace it',
      [
        [11, { email: 'new@example.com' }],
        [10, { email: 'old@example.com' }],
      ],
      'new@example.com',
    ],
    [
      'the newer one, from another trait',
      [
        [11, { email_address: 'new@example.com' }],
        [10, { email: 'old@example.com' }],
      ],
      'new@example.com',
    ],
    [
      'null removes it',
      [
        [10, { email: 'old@example.com' }],
        [11, { email: null }],
      ],
      undefined,
    ],
    [
      'an empty text removes it',
      [
        [10, { email: 'old@example.com' }],
        [11, { email: ' ' }],
      ],
      undefined,
    ],
    [
      'a late null does not',
      [
        [11, { email: 'new@example.com' }],
        [10, { email: null }],
      ],
      'new@example.com',
    ],
    [
      'an event without it keeps it',
      [
        [10, { email: 'old@example.com' }],
        [11, { plan: 'paid' }],
      ],
      'old@example.com',
    ],
    [
      'a value that is not text removes it',
      [
        [10, { email: 'old@example.com' }],
        [11, { email: { work: 'new@example.com' } }],
      ],
      undefined,
    ],
    ['without surrounding whitespace', [[10, { email: '  old@example.com\n' }]], 'old@example.com'],
    [
      'the trait email comes before email_address',
      [[10, { email_address: 'b@example.com', email: 'a@example.com' }]],
      'a@example.com',
    ],
  ])('the email address: %s', (_name, events, address) => {
    const { hashes } = profileAfter(events.map(([second, traits]) => ({ second, traits: traits as JsonObject })));
    expect(hashes.email).toBe(address === undefined ? undefined : seal.hash(address));
  });

  test('shows masks and never an address', () => {
    const { profile } = profileAfter([
      {
        second: 10,
        traits: { email: 'maria@example.com', phone: '+351912345678', contact: { work: 'm@example.org' } },
      },
    ]);
    expect(maskProfile(profile).traits).toEqual({
      email: 'm…@example.com',
      phone: '+351…78',
      contact: { work: 'm…@example.org' },
    });
  });

  test('writes an address sealed and bound to its row; a removed address is written as null', () => {
    const changedBy = (email: string | null) => {
      const event = accept({ ...VALID_EVENT, user_traits: { email } });
      const empty: Profile = { traits: {}, traitTimes: {} };
      const changes = new AddressChanges('default', new Map([['u', { email: 'stored' }]]), seal);
      changes.mergeAddresses(empty, mergeTraits(empty, event.traits, event.time), event);
      return changes.getChanges();
    };
    const [given, ...others] = changedBy('maria@example.com');
    expect(others).toEqual([]);
    expect(given).toMatchObject({ userId: 'u', kind: 'email', mask: 'm…@example.com' });
    expect(given?.hash).toBe(seal.hash('maria@example.com'));
    expect(seal.open(given?.sealed?.bytes as Buffer, addressAad('default', 'u', 'email'))).toBe('maria@example.com');
    expect(changedBy(null)).toEqual([{ userId: 'u', kind: 'email', mask: '', sealed: null, hash: '', isFirst: false }]);
  });
});

const seal = new Seal(randomBytes(32));

function timeOf(second: number): number {
  return Date.parse(`2025-10-31T19:00:${second}Z`);
}

/** Applies the events one per batch, in this order. */
function profileAfter(events: readonly { readonly second: number; readonly traits: JsonObject }[]) {
  let profile: Profile = { traits: {}, traitTimes: {} };
  let hashes: { readonly [kind: string]: string } = {};
  for (const { second, traits } of events) {
    const event = accept({
      ...VALID_EVENT,
      event_timestamp: new Date(timeOf(second)).toISOString(),
      user_traits: traits,
    });
    const changes = new AddressChanges('default', new Map([['u', hashes]]), seal);
    const before = profile;
    profile = mergeTraits(before, event.traits, event.time);
    changes.mergeAddresses(before, profile, event);
    hashes = changes.getHashes('u');
  }
  return { profile, hashes };
}
