import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskDeep, maskEmail, maskPhone, maskUntrusted, redact } from '../src/privacy/mask.ts';
import { type JsonValue, toStoredProperties } from './support/events.ts';
import { runs } from './support/properties.ts';

const LOCAL = 'zanzibar.quagmire';
const EMAIL = `${LOCAL}@example.com`;
const _AT = '2025-10-31T10:00:00Z';

describe('the mask of', () => {
  test.each([
    ['maria@example.com', 'm…@example.com'],
    ['🦊@example.com', '🦊…@example.com'],
    ['"a@b"@example.com', '"…@example.com'],
    ['@example.com', '…'],
    ['maria', '…'],
  ])('the email address %s is %s', (address, mask) => {
    expect(maskEmail(address)).toBe(mask);
  });

  test.each([
    ['+351912345678', '+351…78'],
    ['+351 912 345 678', '+351…78'],
    ['00351912345678', '003…78'],
    ['12345', '…'],
  ])('the phone number %s is %s', (number, mask) => {
    expect(maskPhone(number)).toBe(mask);
  });

  test.each<[string, JsonValue, JsonValue]>([
    ['after a plus', '+1 please write to maria@example.com', '+1 please write to m…@example.com'],
    ['after what looks like a mask', 'H… write to maria@example.com', 'H… write to m…@example.com'],
    ['glued to what looks like a mask', 'H…maria@example.com', 'H…@example.com'],
    ['inside a text', 'call +351912345678 now', 'call +351…78 now'],
    ['in a URL', 'tel:+351912345678', 'tel:+351…78'],
    ['in parentheses', 'x (+351) 912 345 678', 'x (+351…78'],
    ['glued to an address', 'maria@example.com+351912345678', 'm…@example.com+351…78'],
    ['in a key', { '+351912345678 x': 1 }, { '+351…78 x': 1 }],
    ['as a number', { phone: 351912345678 }, { phone: '351…78' }],
    ['as numbers', { phones: [351912345678], 'e-mails': ['maria'] }, { phones: ['351…78'], 'e-mails': ['…'] }],
    ['by a name in capitals', { Phone: '912345678', EmailAddress: 'maria' }, { Phone: '912…78', EmailAddress: '…' }],
    ['by a name, after an ellipsis', { phone: '… 912345678' }, { phone: '912…78' }],
    ['by a name, before more', { email: 'maria@example.com or +351912345678' }, { email: 'm…@example.com' }],
  ])('an address %s', (_name, given, masked) => {
    expect(maskDeep(given)).toEqual(masked);
    // The parser of events masks only the texts that contain an address.
    expect(toStoredProperties({ given })).toEqual({ given: masked });
    expect(maskDeep(masked)).toEqual(masked);
  });

  const letter = (text: string) => fc.constantFrom(...text);

  const text = (letters: string, minLength: number, maxLength: number) =>
    fc.array(letter(letters), { minLength, maxLength }).map((all) => all.join(''));

  const email = fc
    // At least three characters: two of which one is an ellipsis would be a mask already.
    .tuple(text('abcxyz019._+-…é', 3, 12), text('abc-é', 1, 8), text('abc', 2, 5))
    .map(([local, domain, top]) => `${local}@${domain}.${top}`);

  const number = fc
    .tuple(
      letter('123456789'),
      fc.array(fc.tuple(text(' .-()', 0, 2), text('0123456789', 1, 1)), { minLength: 7, maxLength: 14 }),
    )
    .map(([first, rest]) => `+${first}${rest.flat().join('')}`);

  const around = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    text('+ @…m.@-(1\n:,/', 0, 12),
    fc.constantFrom('m…', '+1 ', '+351…78', 'm…@example.com', 'm…@example.com ', 'tel:', '10:30 ', '<mailto:'),
  );

  test('an address hides it, in any surrounding text', () => {
    fc.assert(
      fc.property(around, fc.oneof(email, number), around, (before, address, after) => {
        const whole = `${before}${address}${after}`;
        fc.pre(whole.isWellFormed() && !whole.includes('\0'));
        const shown = toStoredProperties({ note: whole, list: [{ phone: whole }, { Email: [whole] }], [whole]: null });
        expect(Object.keys(shown)).toHaveLength(3);
        const parts = [...Object.keys(shown), ...textsIn(shown)];
        expect(parts.filter((part) => part.includes(address))).toEqual([]);
        expect(JSON.stringify(maskUntrusted({ note: whole, [whole]: [whole] }))).not.toContain(
          JSON.stringify(address).slice(1, -1),
        );
      }),
      runs(500),
    );
  });

  test('a long text takes linear time', () => {
    // A search that restarts at every letter would take quadratic time for each of these.
    for (const part of ['+', '+1', '+1 ', '+1(((((', '1 ', 'a@', 'a@a.', '@.', '…@', 'm…@a.b ']) {
      const long = part.repeat(1_000_000 / part.length);
      expect(maskDeep({ long }), part).toHaveProperty('long');
    }
  });

  test('a value that is not an address is the value', () => {
    const plain = {
      a: '2025-10-31T19:00:00+02:00',
      b: '12.50',
      c: 'a @ b',
      d: '@maria',
      e: '+1',
      f: 'x'.repeat(10_000),
      g: null,
      h: '+1 vote on 2025-10-31',
      i: '+1 (2) - 34 .',
      j: 'Fri Oct 31 19:00:00 +0100 2025',
      k: '2025-10-31T19:00:00+0100/2025-11-01T19:00:00+0100',
      l: 1761937200000,
      m: 351912345678,
      n: '351912345678',
      o: '12 + 34 = 46, +12.50 EUR, +1,500,000',
      p: 'm…@example.com',
      q: '+351…78',
      email: 'm…@example.com',
      phone: '+351…78',
      mobile: true,
      phones: 12,
      emails: ['m…@example.com', '…'],
    };
    expect(maskDeep(plain)).toEqual(plain);
    expect(toStoredProperties(plain)).toEqual(plain);
  });

  test('a text hides its addresses and keeps the rest', () => {
    expect(maskDeep({ say: `go @home, or ask ${EMAIL} now`, [EMAIL]: 1, phone: ['912 873 465'] })).toEqual({
      say: `go @home, or ask ${maskEmail(EMAIL)} now`,
      [maskEmail(EMAIL)]: 1,
      phone: [maskPhone('912 873 465')],
    });
  });

  test('a long text has the maximum length, and does not end within a character', () => {
    const exact = 'x'.repeat(500);
    expect(redact(exact)).toBe(exact);
    expect(redact(`${exact}x`)).toBe(`${'x'.repeat(499)}…`);
    expect(redact(`${'x'.repeat(498)}🦊y`)).toBe(`${'x'.repeat(498)}\uFFFD…`);
  });
});

/** Returns all texts in a value, without the names of its properties. */
function textsIn(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [];
}
