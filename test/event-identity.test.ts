import { describe, expect, test } from 'vitest';
import { accept, VALID_EVENT } from './support/events.ts';

describe('the identity of an event', () => {
  test('is the same for the same content in any notation', () => {
    const one = accept({ ...VALID_EVENT, properties: { a: 1, b: { c: 2, d: 3 } }, source: 's' });
    for (const same of [
      { ...VALID_EVENT, source: 's', properties: { b: { d: 3, c: 2 }, a: 1.0 } },
      {
        ...VALID_EVENT,
        event_timestamp: '2025-10-31T20:00:00.000+01:00',
        properties: { a: 1, b: { c: 2, d: 3 } },
        source: 's',
      },
    ]) {
      expect(accept(same).key).toBe(one.key);
      expect(accept(same).contentHash).toBe(one.contentHash);
    }
  });

  test('differs for other content', () => {
    const all = [
      VALID_EVENT,
      { ...VALID_EVENT, user_id: 'v' },
      { ...VALID_EVENT, event_type: 'other' },
      { ...VALID_EVENT, event_timestamp: '2025-10-31T19:00:00.001Z' },
      { ...VALID_EVENT, event_timestamp: '2025-10-31T19:00:00.0001Z' },
      { ...VALID_EVENT, properties: { a: 1 } },
      { ...VALID_EVENT, properties: { a: '1' } },
      { ...VALID_EVENT, user_traits: { a: 1 } },
      { ...VALID_EVENT, a: 1 },
      { ...VALID_EVENT, user_traits: { email: 'a@example.com' } },
      // Same mask, different address.
      { ...VALID_EVENT, user_traits: { email: 'ab@example.com' } },
    ];
    expect(new Set(all.map((item) => accept(item).key)).size).toBe(all.length);
  });

  test('is the id that the caller gives, for any content', () => {
    const [one, other] = [1, 2].map((a) => accept({ ...VALID_EVENT, event_id: 'e', properties: { a } }));
    expect(one?.key).toBe(other?.key);
    expect(one?.contentHash).not.toBe(other?.contentHash);
    // A caller cannot choose the identity that another event has by its content.
    const content = accept(VALID_EVENT);
    expect(accept({ ...VALID_EVENT, event_id: content.key }).key).not.toBe(content.key);
  });
});
