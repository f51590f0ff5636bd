import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSchemas } from '../src/catalog/schemas/validate-event.ts';
import { canonicalize, jsonText } from '../src/events/content.ts';
import { isRejection, parseEvent, type ReceivedEvent, type Rejection } from '../src/events/envelope.ts';
import type { Json, JsonObject, Profile } from '../src/model/event.ts';
import { Seal } from '../src/privacy/seal.ts';
import { isoTime } from '../src/time/iso-time.ts';
import { parseTimestamp } from '../src/time/timestamp.ts';
import { AddressChanges, addressAad } from '../src/users/addresses.ts';
import { mergeTraits } from '../src/users/profile.ts';
import { runs } from './support/properties.ts';

const check = compileSchemas({
  events: [
    {
      name: 'paid',
      properties: {
        type: 'object',
        properties: {
          amount: { type: 'number' },
          attempt: { type: 'integer' },
          items: { type: 'array', items: { type: 'object', properties: { price: { type: 'number' } } } },
        },
      },
    },
  ],
  traits: { type: 'object', properties: { first_name: { type: 'string' }, vip: { type: 'boolean' } } },
});

const GOOD = { user_id: 'u', event_type: 'paid', event_timestamp: '2025-10-31T19:00:00Z' };

describe('what is refused, where and why', () => {
  test.each<[string, unknown, string, string, RegExp]>([
    // [what, the item, code, path, what the message says]
    ['null', null, 'invalid_event', '', /is null; an event is an object with user_id/],
    ['nothing', undefined, 'invalid_event', '', /an event is an object/],
    ['a list', [], 'invalid_event', '', /is a list/],
    ['a text', 'paid', 'invalid_event', '', /is text \("paid"\)/],
    ['a number', 7, 'invalid_event', '', /is the number 7/],
    ['nothing in it', {}, 'invalid_event', 'user_id', /is missing; a text of 1 to 256 characters is needed/],
    ['no user_id', { ...GOOD, user_id: undefined }, 'invalid_event', 'user_id', /is missing/],
    ['user_id null', { ...GOOD, user_id: null }, 'invalid_event', 'user_id', /is null; a text/],
    ['user_id a number', { ...GOOD, user_id: 42 }, 'invalid_event', 'user_id', /is the number 42; a text/],
    ['user_id empty', { ...GOOD, user_id: '' }, 'invalid_id', 'user_id', /is empty/],
    ['user_id too long', { ...GOOD, user_id: 'u'.repeat(257) }, 'invalid_id', 'user_id', /longer than 256/],
    ['user_id with a tab', { ...GOOD, user_id: 'a\tb' }, 'invalid_id', 'user_id', /control character/],
    ['user_id with DEL', { ...GOOD, user_id: 'a\x7f' }, 'invalid_id', 'user_id', /control character/],
    ['user_id with C1', { ...GOOD, user_id: 'a\x85' }, 'invalid_id', 'user_id', /control character/],
    ['user_id half a pair', { ...GOOD, user_id: '\ud83e' }, 'invalid_id', 'user_id', /half of a surrogate pair/],
    ['no event_type', { ...GOOD, event_type: undefined }, 'invalid_event', 'event_type', /is missing/],
    ['event_type a list', { ...GOOD, event_type: ['paid'] }, 'invalid_event', 'event_type', /is a list/],
    ['event_id a number', { ...GOOD, event_id: 1 }, 'invalid_event', 'event_id', /is the number 1/],
    ['event_id empty', { ...GOOD, event_id: '' }, 'invalid_id', 'event_id', /is empty/],
    [
      'no time',
      { ...GOOD, event_timestamp: undefined },
      'invalid_event',
      'event_timestamp',
      /is missing; write it like "20/,
    ],
    ['time null', { ...GOOD, event_timestamp: null }, 'invalid_timestamp', 'event_timestamp', /is null; write it like/],
    [
      'time in seconds',
      { ...GOOD, event_timestamp: 1761937200 },
      'invalid_timestamp',
      'event_timestamp',
      /write it like/,
    ],
    [
      'time without a zone',
      { ...GOOD, event_timestamp: '2025-10-31T19:00:00' },
      'invalid_timestamp',
      'event_timestamp',
      /no zone; end it with Z or an offset/,
    ],
    [
      'properties a text',
      { ...GOOD, properties: '{}' },
      'invalid_event',
      'properties',
      /is text \("\{\}"\); an object is needed/,
    ],
    [
      'user_traits a list',
      { ...GOOD, user_traits: [] },
      'invalid_event',
      'user_traits',
      /is a list; an object is needed/,
    ],
    [
      'userId for user_id, which is there',
      { ...GOOD, user_trait: {} },
      'unknown_field',
      'user_trait',
      /did you mean user_traits\?/,
    ],
    ['eventId', { ...GOOD, eventId: 'x' }, 'unknown_field', 'eventId', /did you mean event_id\?/],
    ['EVENT - ID', { ...GOOD, 'EVENT - ID': 'x' }, 'unknown_field', 'EVENT - ID', /did you mean event_id\?/],
    ['Properties', { ...GOOD, Properties: {} }, 'unknown_field', 'Properties', /did you mean properties\?/],
    ['proprties', { ...GOOD, proprties: {} }, 'unknown_field', 'proprties', /did you mean properties\?/],
    [
      'traits that do not fit',
      { ...GOOD, user_traits: { vip: 'yes' } },
      'schema_mismatch',
      'user_traits.vip',
      /is text \("yes"\), but must be/,
    ],
    [
      'a property that does not fit',
      { ...GOOD, properties: { amount: '12' } },
      'schema_mismatch',
      'properties.amount',
      /text \("12"\).*number/,
    ],
    [
      'an integer with a fraction',
      { ...GOOD, properties: { attempt: 1.5 } },
      'schema_mismatch',
      'properties.attempt',
      /integer/,
    ],
    [
      'one deep inside',
      { ...GOOD, properties: { items: [{ price: 1 }, { price: 'x' }] } },
      'schema_mismatch',
      'properties.items[1].price',
      /number/,
    ],
    [
      'a number beyond all',
      { ...GOOD, properties: { a: [1, Infinity] } },
      'invalid_content',
      'properties.a[1]',
      /too large/,
    ],
    ['NUL', { ...GOOD, properties: { a: { b: 'x\0' } } }, 'invalid_content', 'properties.a.b', /NUL/],
    [
      'NUL in an address',
      { ...GOOD, user_traits: { email: 'x\0@y.z' } },
      'invalid_content',
      'user_traits.email',
      /NUL/,
    ],
    ['33 levels', { ...GOOD, properties: { a: nested(33) } }, 'invalid_content', 'properties.a.a', /deeper than 32/],
  ])('%s', (_name, item, code, path, says) => {
    const read = parseEvent('default', item, check);
    expect(read).toMatchObject({ code });
    const { path: at, message } = read as Rejection;
    expect(at.startsWith(path)).toBe(true);
    if (path === '' || code !== 'invalid_content') expect(at).toBe(path);
    expect(message).toMatch(says);
    expect(message.startsWith(path === '' ? 'This ' : at)).toBe(true);
  });
});

describe('how large an event may be', () => {
  /** Its own object, three fields of the envelope, `properties` and the list are six values. */
  const listed = (length: number) => ({ ...GOOD, properties: { list: Array.from({ length }, () => ({})) } });
  /** Bytes beside a text in the properties, as they are counted. */
  const beside = (text: string) => ({ ...GOOD, properties: { text } });

  test('100,000 values, wherever they stand', () => {
    expect(Object.keys(GOOD)).toHaveLength(3);
    expect((accepted(listed(100_000 - 6)).properties.list as Json[]).length).toBe(100_000 - 6);
    for (const item of [
      listed(100_000 - 5),
      { ...listed(100_000 - 6), event_id: 'one more' },
      { ...listed(100_000 - 7), user_traits: { plan: 'paid' } },
      { ...listed(100_000 - 8), source: { of: 'it' }, more: 1 },
      { ...GOOD, user_traits: { a: Array(60_000).fill(1), b: { c: Array(60_000).fill('x') } } },
    ]) {
      expect(parseEvent('default', item, check)).toEqual({
        code: 'invalid_content',
        path: '',
        message: 'This event has more than 100,000 values, nested ones counted; send it as several events',
      });
    }
    accepted({ ...listed(100_000 - 8), user_traits: { plan: 'paid' } });
    accepted({ ...listed(100_000 - 9), source: { of: 'it' }, more: 1 });
  });

  test.each([
    ['of one byte a character', 'x', 1],
    ['of two', 'é', 2],
    ['of three', '漢', 3],
    ['of four', '🦊', 4],
  ])('1 MiB, in bytes: characters %s', (_name, letter, bytes) => {
    const most = Math.floor((1024 * 1024 - 100) / bytes);
    accepted(beside(letter.repeat(most)));
    for (const text of [letter.repeat(most + 100), letter.repeat(most * 2)]) {
      expect(parseEvent('default', beside(text), check)).toEqual({
        code: 'invalid_content',
        path: '',
        message: 'This event is larger than 1 MiB; shorten it, or send it as several events',
      });
    }
  });

  test('an address counts as any other text', () => {
    const email = `${'x'.repeat(1024 * 1024)}@example.com`;
    expect(parseEvent('default', { ...GOOD, user_traits: { email } }, check)).toMatchObject({
      code: 'invalid_content',
    });
  });
});

describe('what is taken', () => {
  test('nothing but the envelope is needed', () => {
    expect(accepted(GOOD)).toMatchObject({ userId: 'u', type: 'paid', properties: {}, traits: {}, hasCallerId: false });
    expect(accepted({ ...GOOD, event_id: null, properties: null, user_traits: null })).toMatchObject({
      hasCallerId: false,
    });
  });

  test('a type that the catalog does not know, and keys it does not name', () => {
    expect(accepted({ ...GOOD, event_type: 'new', properties: { amount: 'x' } }).properties).toEqual({ amount: 'x' });
    expect(accepted({ ...GOOD, properties: { more: 1 } }).properties).toEqual({ more: 1 });
  });

  test('further fields of the envelope are kept as context', () => {
    const event = accepted({ ...GOOD, source: 'billing', context: { ip: '::1' }, trace: [1] });
    expect(JSON.parse(event.contextText as string)).toEqual({ source: 'billing', context: { ip: '::1' }, trace: [1] });
    expect(accepted(GOOD).contextText).toBeNull();
  });

  test('of what names an address: the address apart, its mask in its place, nothing where there is none', () => {
    const user_traits = {
      email: ' maria@example.com\n',
      email_address: ' ',
      phone: 351912345678,
      phone_number: ['351912345678', true],
    };
    const { traits, addresses } = accepted({ ...GOOD, user_traits });
    expect(traits).toEqual({
      email: 'm…@example.com',
      email_address: null,
      phone: '351…78',
      phone_number: ['351…78', true],
    });
    expect(addresses.map(({ trait, value }) => [trait, value])).toEqual([
      ['email', 'maria@example.com'],
      ['email_address', null],
      ['phone', '351912345678'],
      ['phone_number', null],
    ]);
  });

  test('ids of 256 characters, counted as people count', () => {
    for (const id of ['x'.repeat(256), '🦊'.repeat(256)]) expect(accepted({ ...GOOD, user_id: id }).userId).toBe(id);
  });
});

describe('identity', () => {
  test('the same content has the same identity, however it is written', () => {
    const one = accepted({ ...GOOD, properties: { a: 1, b: { c: 2, d: 3 } }, source: 's' });
    for (const same of [
      { ...GOOD, source: 's', properties: { b: { d: 3, c: 2 }, a: 1.0 } },
      {
        ...GOOD,
        event_timestamp: '2025-10-31T20:00:00.000+01:00',
        properties: { a: 1, b: { c: 2, d: 3 } },
        source: 's',
      },
    ]) {
      expect(accepted(same).key).toBe(one.key);
      expect(accepted(same).contentHash).toBe(one.contentHash);
    }
  });

  test('other content has another', () => {
    const all = [
      GOOD,
      { ...GOOD, user_id: 'v' },
      { ...GOOD, event_type: 'other' },
      { ...GOOD, event_timestamp: '2025-10-31T19:00:00.001Z' },
      { ...GOOD, event_timestamp: '2025-10-31T19:00:00.0001Z' },
      { ...GOOD, properties: { a: 1 } },
      { ...GOOD, properties: { a: '1' } },
      { ...GOOD, user_traits: { a: 1 } },
      { ...GOOD, a: 1 },
      { ...GOOD, user_traits: { email: 'a@example.com' } },
      // The same mask, another address.
      { ...GOOD, user_traits: { email: 'ab@example.com' } },
    ];
    expect(new Set(all.map((item) => accepted(item).key)).size).toBe(all.length);
  });

  test('a given id is the identity, whatever the content', () => {
    const [one, other] = [1, 2].map((a) => accepted({ ...GOOD, event_id: 'e', properties: { a } }));
    expect(one?.key).toBe(other?.key);
    expect(one?.contentHash).not.toBe(other?.contentHash);
    // Nobody can name an id that another event has by its content.
    const content = accepted(GOOD);
    expect(accepted({ ...GOOD, event_id: content.key }).key).not.toBe(content.key);
  });
});

describe('timestamps', () => {
  test.each<[string, string]>([
    ['2025-10-31T19:00:00Z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31t19:00:00z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31 19:00:00Z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31T19:00Z', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31T19:00:00+02:00', '2025-10-31T17:00:00.000Z'],
    ['2025-10-31T19:00:00-0330', '2025-10-31T22:30:00.000Z'],
    ['2025-10-31T19:00:00-00:00', '2025-10-31T19:00:00.000Z'],
    ['2025-10-31T19:00:00+23:59', '2025-10-30T19:01:00.000Z'],
    ['2025-10-31T19:00:00.5Z', '2025-10-31T19:00:00.500Z'],
    ['2025-10-31T19:00:00,123Z', '2025-10-31T19:00:00.123Z'],
    ['2025-10-31T19:00:00.123456Z', '2025-10-31T19:00:00.123Z'],
    ['2025-10-31T19:00:00.999999999999Z', '2025-10-31T19:00:00.999Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['2000-02-29T12:00:00Z', '2000-02-29T12:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, iso) => {
    const read = parseTimestamp(text);
    expect('time' in read && [new Date(read.time).toISOString(), read.at]).toEqual([iso, iso]);
  });

  test.each<[string, RegExp]>([
    ['2025-10-31T19:00:00', /no zone/],
    ['2025-10-31T19:00', /no zone/],
    ['2025-10-31', /not a date and time/],
    ['19:00:00Z', /not a date and time/],
    ['1761937200', /not a date and time/],
    ['Fri, 31 Oct 2025 19:00:00 GMT', /not a date and time/],
    ['2025-10-31T19:00:00 Z', /not a date and time/],
    ['2025-10-31T19:00:00Z\n', /not a date and time/],
    [' 2025-10-31T19:00:00Z', /not a date and time/],
    ['2025-10-31T19:00:00.Z', /not a date and time/],
    ['2025-10-31T19:00:00.1234567890123Z', /not a date and time/],
    ['+12025-10-31T19:00:00Z', /not a date and time/],
    ['2025-10-31T19:00:00+2', /not a date and time/],
    ['٢٠٢٥-10-31T19:00:00Z', /not a date and time/],
    ['2025-02-30T12:00:00Z', /no such day: 2025-02-30/],
    ['2025-02-29T12:00:00Z', /no such day/],
    ['1900-02-29T12:00:00Z', /no such day/],
    ['2025-04-31T12:00:00Z', /no such day/],
    ['2025-00-10T12:00:00Z', /no such day/],
    ['2025-13-10T12:00:00Z', /no such day/],
    ['2025-10-00T12:00:00Z', /no such day/],
    ['2025-10-31T24:00:00Z', /no such time of day/],
    ['2025-10-31T12:60:00Z', /no such time of day/],
    ['2025-10-31T12:00:61Z', /no such time of day/],
    ['2025-10-31T12:00:00+24:00', /no such time of day/],
    ['2025-10-31T12:00:00+02:60', /no such time of day/],
    ['0000-12-31T23:59:59Z', /outside the years/],
    ['0001-01-01T00:00:00+00:01', /outside the years/],
    ['9999-12-31T23:59:59-00:01', /outside the years/],
  ])('%j is refused', (text, says) => {
    const read = parseTimestamp(text);
    expect('problem' in read && read.problem).toMatch(says);
  });

  test('a time is written as the language writes it, and read again', () => {
    const min = Date.parse('0001-01-01T00:00:00.000Z');
    const max = Date.parse('9999-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(fc.integer({ min, max }), (time) => {
        expect(isoTime(time)).toBe(new Date(time).toISOString());
        expect(parseTimestamp(isoTime(time))).toEqual({ time, at: isoTime(time), rest: '' });
      }),
    );
  });

  test('digits below the millisecond tell two events apart', () => {
    const rest = (text: string) => (parseTimestamp(text) as { rest: string }).rest;
    expect(rest('2025-10-31T19:00:00.123456Z')).toBe('456');
    expect(rest('2025-10-31T19:00:00.123400Z')).toBe(rest('2025-10-31T19:00:00.1234Z'));
    expect(rest('2025-10-31T19:00:00.123Z')).toBe('');
  });
});

test('the canonical text is the JSON text of the same with its keys in order', () => {
  const inOrder = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(inOrder);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((name) => [name, inOrder(value[name] as Json)]),
    );
  };
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', '')),
    fc.constantFrom('m…@example.com', '…', '"', '\\', '+351', 'a@b.pt', '\n', '\u2028', 'é'),
  );
  // Whole numbers as names come first in an object, in whatever order they were given.
  const name = text.filter((one) => one !== '__proto__' && !/^\d+$/.test(one));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (given) => {
      const json = JSON.parse(JSON.stringify(given)) as Json;
      const written = { text: '', address: false, values: 0 };
      const stored = canonicalize(json, 'properties', '', written);
      expect(written.text).toBe(jsonText(inOrder(json)));
      expect(JSON.stringify(stored)).toBe(JSON.stringify(inOrder(json)));
    }),
    runs(2000),
  );
});

describe('the profile', () => {
  const traits = fc.record(
    {
      plan: fc.constantFrom('free', 'paid', null),
      vip: fc.boolean(),
      // Several of one mask, so that the mask cannot tell them apart.
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

  test('the newest event time wins per trait, in any order of arrival', () => {
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

  test('and so does the address that is reached, whichever trait names it', () => {
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
      'not a late older one',
      [
        [11, { email: 'new@example.com' }],
        [10, { email: 'old@example.com' }],
      ],
      'new@example.com',
    ],
    [
      'the newer one by its other name',
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
      'silence keeps it',
      [
        [10, { email: 'old@example.com' }],
        [11, { plan: 'paid' }],
      ],
      'old@example.com',
    ],
    [
      'what is no text removes it',
      [
        [10, { email: 'old@example.com' }],
        [11, { email: { work: 'new@example.com' } }],
      ],
      undefined,
    ],
    ['without the blanks around it', [[10, { email: '  old@example.com\n' }]], 'old@example.com'],
    [
      'of two at once the first name',
      [[10, { email_address: 'b@example.com', email: 'a@example.com' }]],
      'a@example.com',
    ],
  ])('the e-mail address: %s', (_name, events, address) => {
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
    expect(profile.traits).toEqual({
      email: 'm…@example.com',
      phone: '+351…78',
      contact: { work: 'm…@example.org' },
    });
  });

  test('an address is written sealed, bound to its row; one that was taken back is written as none', () => {
    const changedBy = (email: string | null) => {
      const event = accepted({ ...GOOD, user_traits: { email } });
      const nobody: Profile = { traits: {}, traitTimes: {} };
      const reach = new AddressChanges('default', new Map([['u', { email: 'stored' }]]), seal);
      reach.mergeAddresses(nobody, mergeTraits(nobody, event.traits, event.time), event);
      return reach.getChanges();
    };
    const [given, ...others] = changedBy('maria@example.com');
    expect(others).toEqual([]);
    expect(given).toMatchObject({ userId: 'u', kind: 'email', mask: 'm…@example.com' });
    expect(given?.hash).toBe(seal.hash('maria@example.com'));
    expect(seal.open(given?.sealed?.bytes as Buffer, addressAad('default', 'u', 'email'))).toBe('maria@example.com');
    expect(changedBy(null)).toEqual([{ userId: 'u', kind: 'email', mask: '', sealed: null, hash: '' }]);
  });
});

const seal = new Seal(randomBytes(32));

function timeOf(second: number): number {
  return Date.parse(`2025-10-31T19:00:${second}Z`);
}

/** One event a batch, as they arrive apart. */
function profileAfter(events: readonly { readonly second: number; readonly traits: JsonObject }[]) {
  let profile: Profile = { traits: {}, traitTimes: {} };
  let hashes: { readonly [kind: string]: string } = {};
  for (const { second, traits } of events) {
    const event = accepted({ ...GOOD, event_timestamp: new Date(timeOf(second)).toISOString(), user_traits: traits });
    const reach = new AddressChanges('default', new Map([['u', hashes]]), seal);
    const before = profile;
    profile = mergeTraits(before, event.traits, event.time);
    reach.mergeAddresses(before, profile, event);
    hashes = reach.getHashes('u');
  }
  return { profile, hashes };
}

function accepted(item: object): ReceivedEvent {
  const read = parseEvent('default', item, check);
  if (isRejection(read)) throw new Error(read.message);
  return read;
}

/** Objects in objects. */
function nested(levels: number): JsonObject {
  return levels === 0 ? {} : { a: nested(levels - 1) };
}
