import { describe, expect, test } from 'vitest';
import { hasAddress, maskDeep, maskMessage, redact } from '../src/privacy/mask.ts';
import { toStoredProperties } from './support/events.ts';

const SECRET = /maria|silva|912 ?345|912345678|91234/i;

describe('an address that is percent-encoded is masked wherever a plain one is', () => {
  test.each([
    ['https://x.com/?e=maria%40example.com', 'h…@example.com'],
    ['see https://x.com/?e=maria%40example.com now', 'see h…@example.com now'],
    ['https://x.com/?e=maria%2540example.com', 'h…@example.com'],
    ['https://x.com/?e=maria%252540example.com', 'h…@example.com'],
    ['https%3A%2F%2Fx.com%2F%3Fe%3Dmaria%40example.com', 'h…@example.com'],
    ['%6d%61%72%69%61%40example%2Ecom', 'm…@example.com'],
    ['%6D%61%72%69%61@example.com', 'm…@example.com'],
    ['maria@example%2ecom', 'm…@example.com'],
    ['m%C3%A1ria.silva%40ex%C3%A4mple.com', 'm…@exämple.com'],
    ['maria%40example.com%E9', /^m…@example\.com/],
    ['x%00maria%40example.com', 'x m…@example.com'],
    ['to%20maria%40example.com', 'to m…@example.com'],
    ['%2B351912345678', '+351…78'],
    ['call=%2b351%20912%20345%20678&n=1', 'call=+351…78&n=1'],
    ['+351%20912%20345%20678', '+351…78'],
    ['%2B351 912 345 678', '+351…78'],
    ['tel:%252B351912345678', 'tel:+351…78'],
    ['a%40b.co', 'a…@b.co'],
    ['"maria silva"@example.com', '"…@example.com'],
  ])('%s', (text, masked) => {
    expect(maskDeep(text)).toEqual(typeof masked === 'string' ? masked : expect.stringMatching(masked));
    expect(hasAddress(text)).toBe(true);
    // The parser of events finds it, so that it is sealed, and stored masked.
    expect(toStoredProperties({ text, [text]: 1 })).toEqual({ text: maskDeep(text), [maskDeep(text) as string]: 1 });
    expect(maskDeep(maskDeep(text))).toEqual(maskDeep(text));
    for (const shown of [redact(text), redact(`550 <${text}> rejected`), maskMessage(text)]) {
      expect(shown).not.toMatch(SECRET);
    }
  });

  test.each([
    '50% off',
    '100%25',
    'a%20b',
    'https://x.com/?q=rock%20%26%20roll',
    '%',
    '%4',
    '%ZZ',
    'a%2Bb',
    '%40maria',
    '5%25 %40 home',
  ])('%s is no address', (text) => {
    expect(maskDeep(text)).toBe(text);
    expect(hasAddress(text)).toBe(false);
    expect(toStoredProperties({ text })).toEqual({ text });
    expect(maskMessage(text)).toBe(text);
  });
});

test.each([
  ['<a href="https://x.com/?e=maria%2540example.com&n=1">', '<a href="https://x.com/?e=m…%2540example.com&n=1">'],
  ['?to=maria%40example.com%26cc=silva%40x.org', '?to=m…%40example.com%26cc=s…%40x.org'],
  ['maria&#64;example.com, maria&commat;example.com', 'm…&#64;example.com, m…&commat;example.com'],
  [`${'a'.repeat(100)}@example.com`, 'a…@example.com'],
  ['<b title="x">"maria silva"@example.com</b>', '<b title="x">"…@example.com</b>'],
  ['<a href="tel:+351%20912%20345%20678">', '<a href="tel:+351…78">'],
  ['?n=%252B351912345678&x=%2B1', '?n=351…78&x=%2B1'],
])('a message keeps its markup and links, without addresses that are encoded: %s', (text, shown) => {
  expect(maskMessage(text)).toBe(shown);
  expect(maskMessage(shown)).toBe(shown);
});

test('masks take time in proportion to the length, whatever a text is made of', () => {
  for (const part of [
    '%',
    '%25',
    '%40',
    '%2540',
    'a%40b.',
    '%2B1',
    '%61',
    '"',
    '"a"@',
    '%E9',
    'a%20',
    '&#64;a.',
    '%2e',
    'a@%61',
  ]) {
    const long = part.repeat(300_000 / part.length);
    expect(maskMessage(long).length, part).toBeGreaterThan(0);
    expect(maskDeep({ long }), part).toHaveProperty('long');
    expect(redact(long).length, part).toBeGreaterThan(0);
  }
}, 20_000);
