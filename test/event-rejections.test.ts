import { describe, expect, test } from 'vitest';
import { parse, VALID_EVENT } from './support/events.ts';

describe('a rejected event', () => {
  test.each<[string, unknown, string, string, RegExp]>([
    // [name, item, code, path, message]
    ['null', null, 'invalid_event', '', /is null; an event is an object with user_id/],
    ['undefined', undefined, 'invalid_event', '', /an event is an object/],
    ['a list', [], 'invalid_event', '', /is a list/],
    ['a text', 'paid', 'invalid_event', '', /is text \("paid"\)/],
    ['a number', 7, 'invalid_event', '', /is the number 7/],
    ['an empty object', {}, 'invalid_event', 'user_id', /is missing; a text of 1 to 256 characters is needed/],
    ['no user_id', { ...VALID_EVENT, user_id: undefined }, 'invalid_event', 'user_id', /is missing/],
    ['user_id null', { ...VALID_EVENT, user_id: null }, 'invalid_event', 'user_id', /is null, but must be a text/],
    [
      'user_id a number',
      { ...VALID_EVENT, user_id: 42 },
      'invalid_event',
      'user_id',
      /is the number 42, but must be a text/,
    ],
    ['user_id empty', { ...VALID_EVENT, user_id: '' }, 'invalid_id', 'user_id', /is empty/],
    ['user_id too long', { ...VALID_EVENT, user_id: 'u'.repeat(257) }, 'invalid_id', 'user_id', /longer than 256/],
    ['user_id with a tab', { ...VALID_EVENT, user_id: 'a\tb' }, 'invalid_id', 'user_id', /control character/],
    ['user_id with DEL', { ...VALID_EVENT, user_id: 'a\x7f' }, 'invalid_id', 'user_id', /control character/],
    ['user_id with C1', { ...VALID_EVENT, user_id: 'a\x85' }, 'invalid_id', 'user_id', /control character/],
    ['user_id half a pair', { ...VALID_EVENT, user_id: '\ud83e' }, 'invalid_id', 'user_id', /half of a surrogate pair/],
    ['no event_type', { ...VALID_EVENT, event_type: undefined }, 'invalid_event', 'event_type', /is missing/],
    ['event_type a list', { ...VALID_EVENT, event_type: ['paid'] }, 'invalid_event', 'event_type', /is a list/],
    ['event_id a number', { ...VALID_EVENT, event_id: 1 }, 'invalid_event', 'event_id', /is the number 1/],
    ['event_id empty', { ...VALID_EVENT, event_id: '' }, 'invalid_id', 'event_id', /is empty/],
    [
      'no time',
      { ...VALID_EVENT, event_timestamp: undefined },
      'invalid_event',
      'event_timestamp',
      /is missing; write it like "20/,
    ],
    [
      'time null',
      { ...VALID_EVENT, event_timestamp: null },
      'invalid_timestamp',
      'event_timestamp',
      /is null; write it like/,
    ],
    [
      'time in seconds',
      { ...VALID_EVENT, event_timestamp: 1761937200 },
      'invalid_timestamp',
      'event_timestamp',
      /write it like/,
    ],
    [
      'time without a zone',
      { ...VALID_EVENT, event_timestamp: '2025-10-31T19:00:00' },
      'invalid_timestamp',
      'event_timestamp',
      /no zone; end it with Z or an offset/,
    ],
    [
      'properties a text',
      { ...VALID_EVENT, properties: '{}' },
      'invalid_event',
      'properties',
      /is text \("\{\}"\), but must be an object/,
    ],
    [
      'user_traits a list',
      { ...VALID_EVENT, user_traits: [] },
      'invalid_event',
      'user_traits',
      /is a list, but must be an object/,
    ],
    [
      'a misspelled field',
      { ...VALID_EVENT, user_trait: {} },
      'unknown_field',
      'user_trait',
      /did you mean user_traits\?/,
    ],
    ['eventId', { ...VALID_EVENT, eventId: 'x' }, 'unknown_field', 'eventId', /did you mean event_id\?/],
    ['EVENT - ID', { ...VALID_EVENT, 'EVENT - ID': 'x' }, 'unknown_field', 'EVENT - ID', /did you mean event_id\?/],
    ['Properties', { ...VALID_EVENT, Properties: {} }, 'unknown_field', 'Properties', /did you mean properties\?/],
    ['proprties', { ...VALID_EVENT, proprties: {} }, 'unknown_field', 'proprties', /did you mean properties\?/],
    [
      'traits that violate the schema',
      { ...VALID_EVENT, user_traits: { vip: 'yes' } },
      'schema_mismatch',
      'user_traits.vip',
      /is text \("yes"\), but must be/,
    ],
    [
      'a property that violates the schema',
      { ...VALID_EVENT, properties: { amount: '12' } },
      'schema_mismatch',
      'properties.amount',
      /text \("12"\).*number/,
    ],
    [
      'an integer with a fraction',
      { ...VALID_EVENT, properties: { attempt: 1.5 } },
      'schema_mismatch',
      'properties.attempt',
      /integer/,
    ],
    [
      'a nested property',
      { ...VALID_EVENT, properties: { items: [{ price: 1 }, { price: 'x' }] } },
      'schema_mismatch',
      'properties.items[1].price',
      /number/,
    ],
    [
      'an infinite number',
      { ...VALID_EVENT, properties: { a: [1, Infinity] } },
      'invalid_content',
      'properties.a[1]',
      /too large/,
    ],
    ['NUL', { ...VALID_EVENT, properties: { a: { b: 'x\0' } } }, 'invalid_content', 'properties.a.b', /NUL/],
    [
      'NUL in an address',
      { ...VALID_EVENT, user_traits: { email: 'x\0@y.z' } },
      'invalid_content',
      'user_traits.email',
      /NUL/,
    ],
    [
      '33 levels',
      { ...VALID_EVENT, properties: { a: nested(33) } },
      'invalid_content',
      'properties.a.a',
      /deeper than 32/,
    ],
  ])('%s', (_name, item, code, path, says) => {
    const read = parse(item);
    expect(read).toMatchObject({ code });
    const { path: at, message } = read as { path: string; message: string };
    expect(at.startsWith(path)).toBe(true);
    if (path === '' || code !== 'invalid_content') expect(at).toBe(path);
    expect(message).toMatch(says);
    expect(message.startsWith(path === '' ? 'This ' : at)).toBe(true);
  });
});

/** Objects in objects. */
function nested(levels: number): object {
  return levels === 0 ? {} : { a: nested(levels - 1) };
}
