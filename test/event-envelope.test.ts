import { describe, expect, test } from 'vitest';
import { accept, VALID_EVENT } from './support/events.ts';

describe('an accepted event', () => {
  test('needs only the envelope', () => {
    expect(accept(VALID_EVENT)).toMatchObject({
      userId: 'u',
      type: 'paid',
      properties: {},
      traits: {},
      hasCallerId: false,
    });
    expect(accept({ ...VALID_EVENT, event_id: null, properties: null, user_traits: null })).toMatchObject({
      hasCallerId: false,
    });
  });

  test('may have a type that the catalog does not know, and keys that it does not name', () => {
    expect(accept({ ...VALID_EVENT, event_type: 'new', properties: { amount: 'x' } }).properties).toEqual({
      amount: 'x',
    });
    expect(accept({ ...VALID_EVENT, properties: { more: 1 } }).properties).toEqual({ more: 1 });
  });

  test('keeps unknown fields of the envelope as context, and the members of a field context beside them', () => {
    const event = accept({ ...VALID_EVENT, source: 'billing', context: { ip: '::1' }, trace: [1] });
    expect(JSON.parse(event.contextText as string)).toEqual({ source: 'billing', ip: '::1', trace: [1] });
    expect(accept(VALID_EVENT).contextText).toBeNull();
  });

  test('has the mask of each address of the user in its traits, null in place of an empty one, and the addresses separately', () => {
    const user_traits = {
      email: ' maria@example.com\n',
      email_address: ' ',
      phone: 351912345678,
      phone_number: ['351912345678', true],
    };
    const { traits, traitsText, addresses } = accept({ ...VALID_EVENT, user_traits });
    expect(JSON.parse(traitsText).phone_number).toEqual(['351…78', true]);
    expect(traits).toEqual({
      email: 'm…@example.com',
      email_address: null,
      phone: '351…78',
      phone_number: ['351912345678', true],
    });
    expect(addresses.map(({ trait, value }) => [trait, value])).toEqual([
      ['email', 'maria@example.com'],
      ['email_address', null],
      ['phone', '351912345678'],
      ['phone_number', null],
    ]);
  });

  test('may have ids of 256 characters, counted as code points', () => {
    for (const id of ['x'.repeat(256), '🦊'.repeat(256)])
      expect(accept({ ...VALID_EVENT, user_id: id }).userId).toBe(id);
  });
});
