import { describe, expect, test } from 'vitest';
import { accept, parse, VALID_EVENT } from './support/events.ts';

describe('the size of an event', () => {
  /** An event with `length + 6` values: the event, three fields of the envelope, `properties`, the list and its items. */
  const listed = (length: number) => ({ ...VALID_EVENT, properties: { list: Array.from({ length }, () => ({})) } });
  /** An event with this text in its properties. The other fields count as less than 100 bytes. */
  const eventWithText = (text: string) => ({ ...VALID_EVENT, properties: { text } });

  test('accepts 100,000 values anywhere in the event, and rejects more', () => {
    expect(Object.keys(VALID_EVENT)).toHaveLength(3);
    expect((accept(listed(100_000 - 6)).properties.list as unknown[]).length).toBe(100_000 - 6);
    for (const item of [
      listed(100_000 - 5),
      { ...listed(100_000 - 6), event_id: 'one more' },
      { ...listed(100_000 - 7), user_traits: { plan: 'paid' } },
      { ...listed(100_000 - 8), source: { of: 'it' }, more: 1 },
      { ...VALID_EVENT, user_traits: { a: Array(60_000).fill(1), b: { c: Array(60_000).fill('x') } } },
    ]) {
      expect(parse(item)).toEqual({
        code: 'invalid_content',
        path: '',
        message: 'This event has more than 100,000 values, nested ones counted; send it as several events',
      });
    }
    accept({ ...listed(100_000 - 8), user_traits: { plan: 'paid' } });
    accept({ ...listed(100_000 - 9), source: { of: 'it' }, more: 1 });
  });

  test.each([
    ['of one byte', 'x', 1],
    ['of two bytes', 'é', 2],
    ['of three bytes', '漢', 3],
    ['of four bytes', '🦊', 4],
  ])('accepts 1 MiB and rejects more, with characters %s', (_name, letter, bytes) => {
    const most = Math.floor((1024 * 1024 - 100) / bytes);
    accept(eventWithText(letter.repeat(most)));
    for (const text of [letter.repeat(most + 100), letter.repeat(most * 2)]) {
      expect(parse(eventWithText(text))).toEqual({
        code: 'invalid_content',
        path: '',
        message: 'This event is larger than 1 MiB; shorten it, or send it as several events',
      });
    }
  });

  test('counts the text of an address', () => {
    const email = `${'x'.repeat(1024 * 1024)}@example.com`;
    expect(parse({ ...VALID_EVENT, user_traits: { email } })).toMatchObject({
      code: 'invalid_content',
    });
  });
});
