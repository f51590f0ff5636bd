import { describe, expect, test } from 'vitest';
import { maskEmail, maskUntrusted } from '../src/privacy/mask.ts';

const LOCAL = 'zanzibar.quagmire';
const EMAIL = `${LOCAL}@example.com`;

describe('the preview of a rejected event', () => {
  test('takes linear time', () => {
    // Regression: each of these texts of letters took quadratic time, all of them minutes.
    for (let index = 0; index < 10_000; index++) {
      const text = 'a'.repeat(1990) + index;
      expect(maskUntrusted(text)).toBe(text);
    }
  });

  const wide = (levels: number): unknown =>
    levels === 0 ? 'x'.repeat(2000) : Array.from({ length: 20 }, () => wide(levels - 1));

  test.each<[string, unknown]>([
    ['a long text', { properties: { note: 'x'.repeat(5_000_000) } }],
    ['texts of three bytes a character', { properties: Array(100).fill('漢'.repeat(2000)) }],
    ['texts of escaped characters', { properties: Array(100).fill('\u0001'.repeat(2000)) }],
    ['lists of lists of texts', { properties: wide(4) }],
    ['a list of a million', { properties: Array(1_000_000).fill({}) }],
    ['long names', { properties: Object.fromEntries(Array.from({ length: 99 }, (_, n) => ['漢'.repeat(300) + n, n])) }],
    ['the maximum number of shown levels', { properties: [[[[[[[[wide(2)]]]]]]]] }],
  ])('has at most 16 KB, marks where it was truncated, and shows the other fields: %s', (_name, event) => {
    const masked = maskUntrusted({ ...(event as object), user_traits: wide(3), event_type: 'paid' });
    expect(masked).toMatchObject({ event_type: 'paid' });
    const text = JSON.stringify(masked);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
    expect(text).toContain('…');
  });

  test('is the whole event if it is short', () => {
    const event = {
      user_id: 'u',
      properties: { items: Array.from({ length: 90 }, (_, n) => ({ sku: `sku ${n}`, n })) },
    };
    expect(maskUntrusted(event)).toEqual(event);
  });

  test('shows the structure, and values that are not addresses', () => {
    const list = Array.from({ length: 101 }, (_, n) => n);
    const event = {
      a: { vip: true, n: 1.5, far: Number.POSITIVE_INFINITY, none: null, gone: undefined },
      b: [`mail ${EMAIL} or @home`, '12345678', '123456789', '2025-10-31 19:00:00'],
      phone: 12,
      emails: 'none',
      addresses: [{ street: 'Rua' }],
      list,
    };
    expect(maskUntrusted(event)).toEqual({
      a: { vip: true, n: 1.5, far: 'Infinity', none: null, gone: null },
      b: [`mail ${maskEmail(EMAIL)} or …`, '12345678', '123…89', '2025-10-31 19:00:00'],
      phone: '…',
      emails: '…',
      addresses: [{ street: 'Rua' }],
      list: [...list.slice(0, 100), '…'],
    });
    expect(maskUntrusted('\ud83ea\0')).toBe('\uFFFDa\uFFFD');
    const nested = (levels: number): unknown => (levels === 0 ? 'x' : [nested(levels - 1)]);
    expect(JSON.stringify(maskUntrusted(nested(8)))).toBe('[[[[[[[["x"]]]]]]]]');
    expect(JSON.stringify(maskUntrusted({ a: nested(8) }))).toBe('{"a":[[[[[[[["…"]]]]]]]]}');
  });
});
