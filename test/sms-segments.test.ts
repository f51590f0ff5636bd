import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { describe, expect, test } from 'vitest';
import { measureSms } from '../src/channels/sms/segments.ts';
import { runs } from './support/properties.ts';

describe('the size of an SMS', () => {
  test.each([
    ['', 'GSM-7', 1, 0],
    ['Hello Maria', 'GSM-7', 1, 11],
    ['a'.repeat(160), 'GSM-7', 1, 160],
    ['a'.repeat(161), 'GSM-7', 2, 161],
    ['a'.repeat(306), 'GSM-7', 2, 306],
    ['a'.repeat(307), 'GSM-7', 3, 307],
    ['€'.repeat(80), 'GSM-7', 1, 160],
    ['é', 'GSM-7', 1, 1],
    ['ç', 'UCS-2', 1, 1],
    ['ç'.repeat(70), 'UCS-2', 1, 70],
    ['ç'.repeat(71), 'UCS-2', 2, 71],
    ['ç'.repeat(135), 'UCS-2', 3, 135],
    ['🎉'.repeat(35), 'UCS-2', 1, 70],
    ['🎉'.repeat(36), 'UCS-2', 2, 72],
  ])('%# has its encoding, parts and units', (text, encoding, parts, units) => {
    expect(measureSms(text)).toMatchObject({ encoding, parts, units });
  });

  test('a character of two septets is not split between parts', () => {
    // 152 septets, then one of two: it begins the second part.
    expect(measureSms(`${'a'.repeat(152)}€${'a'.repeat(151)}`)).toMatchObject({ units: 305, parts: 2 });
    expect(measureSms(`${'a'.repeat(152)}€${'a'.repeat(152)}`)).toMatchObject({ units: 306, parts: 3 });
  });

  test('an emoji is not split between parts', () => {
    const text = `${'ç'.repeat(66)}🎉${'ç'.repeat(66)}`;
    expect(measureSms(text)).toMatchObject({ units: 134, parts: 3 });
  });

  test('the character that makes it Unicode is named', () => {
    expect(measureSms('Ol\u00e1 “Maria”').firstUnicode).toBe('á');
    expect(measureSms('half \ud800').firstUnicode).toBe('\ufffd');
    expect(measureSms('Hi').firstUnicode).toBeUndefined();
  });

  test('a heap of combining marks is cut, and takes linear time', () => {
    expect(measureSms('\u0301'.repeat(1000))).toMatchObject({ encoding: 'UCS-2', units: 1000, parts: 15 });
    expect(measureSms('🎉'.repeat(200_000)).parts).toBe(Math.ceil(400_000 / 66));
  });

  test('is that of Twilio’s calculator for any text', () => {
    const parts = [
      'a',
      'Z',
      ' ',
      '\n',
      '\r\n',
      '€',
      '{',
      '~',
      '\f',
      'é',
      'Ω',
      'ç',
      '“',
      '中',
      '🎉',
      '👨‍👩‍👧',
      '🇵🇹',
      'e\u0301',
      '👍🏽',
    ];
    const plain = parts.slice(0, 11);
    const text = fc.oneof(
      fc.array(fc.constantFrom(...plain), { maxLength: 500 }),
      fc.array(fc.constantFrom(...parts), { maxLength: 300 }),
    );
    fc.assert(
      fc.property(text, (pieces) => {
        const message = pieces.join('');
        const oracle = new SegmentedMessage(message);
        const { encoding, parts: count } = measureSms(message);
        expect({ encoding, parts: count }).toEqual({
          encoding: oracle.encodingName,
          parts: oracle.segmentsCount,
        });
      }),
      runs(200),
    );
  });
});
