import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasAddress, maskDeep, maskDocument, maskMessage } from '../src/privacy/mask.ts';
import { runs } from './support/properties.ts';

/** Masks in views: documents as a whole, and messages without harm to their markup. */

const word = fc.constantFrom(
  'maria@example.com',
  '+351912345678',
  'lodash@4.17.21',
  '912345678',
  'x',
  '',
  'm…@example.com',
);
const name = fc.constantFrom('email', 'phone', 'mobile', 'n', 'maria@example.com', '+351 912 345 678 x', 'deep');
const { document } = fc.letrec<{ document: unknown }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 4 },
    word,
    fc.constantFrom(912345678, 5, true, null),
    fc.array(tie('document'), { maxLength: 3 }),
    fc.dictionary(name, tie('document'), { maxKeys: 3 }),
  ),
}));

describe('a document', () => {
  test('is the same object if nothing in it is masked, and masked as a whole otherwise', () => {
    fc.assert(
      fc.property(document, (value) => {
        const masked = maskDeep(value as never);
        const isSame = JSON.stringify(masked) === JSON.stringify(value);
        expect(hasAddress(value as never)).toBe(!isSame);
        expect(JSON.stringify(maskDocument(value as never))).toBe(JSON.stringify(masked));
        if (isSame) expect(maskDocument(value as never)).toBe(value);
        // A second mask adds nothing.
        expect(JSON.stringify(maskDeep(masked))).not.toMatch(/maria@|[+]351 ?9/);
      }),
      runs(500),
    );
  });
});

describe('a message', () => {
  test.each([
    ['<a href="mailto:maria@example.com">maria@example.com</a>', '<a href="mailto:m…@example.com">m…@example.com</a>'],
    ['<a href="https://medium.com/@jane.doe/story-1">x</a>', '<a href="https://medium.com/@jane.doe/story-1">x</a>'],
    ['https://www.google.com/maps/@52.5200,13.4050,15z', 'https://www.google.com/maps/@52.5200,13.4050,15z'],
    ['lodash@4.17.21', 'lodash@4.17.21'],
    ['<b>+351 912 345 678</b>', '<b>+351…78</b>'],
    ['<maria.r+tag@sub.example.co.uk>, "mark"', '<m…@sub.example.co.uk>, "mark"'],
    ['https://x.example/?to=maria@example.com&n=1', 'https://x.example/?to=m…@example.com&n=1'],
    ['?to=maria%40example.com&call=%2B351912345678', '?to=m…%40example.com&call=351…78'],
    ['märia@exämple.com', 'm…@exämple.com'],
    ['at 5 @ home, 3+4', 'at 5 @ home, 3+4'],
    ['m…@example.com', 'm…@example.com'],
  ])('is shown with addresses masked and markup whole: %s', (text, shown) => {
    expect(maskMessage(text)).toBe(shown);
  });

  test('takes time in proportion to its length, whatever it is made of', () => {
    for (const part of ['a', 'a.', 'a@', '@', 'a@b.', '+1', '+', 'a@a.a', '%40', 'a%40b.', '%2B1']) {
      expect(maskMessage(part.repeat(200_000)).length).toBeGreaterThan(0);
    }
  });
});
