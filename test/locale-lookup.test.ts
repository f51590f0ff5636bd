import { describe, expect, test } from 'vitest';
import { canonicalizeLocale, listLookupLocales } from '../src/lib/text/locale.ts';

describe('a locale has one spelling', () => {
  test.each([
    ['pt_BR', 'pt-BR'],
    ['PT-br', 'pt-BR'],
    ['fr_ca', 'fr-CA'],
    ['zh_hant_tw', 'zh-Hant-TW'],
    ['sr-latn-rs', 'sr-Latn-RS'],
    ['iw', 'he'],
    ['pt_BR.UTF-8', 'pt-BR'],
    ['de_DE@euro', 'de-DE'],
    ['en-US-u-ca-buddhist', 'en-US-u-ca-buddhist'],
  ])('%s is %s', (written, canonical) => {
    expect(canonicalizeLocale(written)).toBe(canonical);
  });

  test.each(['', ' ', 'x', 'en-', 'en--US', 'C', 'a'.repeat(200), 'en US'])('%s is not a locale', (written) => {
    expect(canonicalizeLocale(written)).toBeUndefined();
    expect(listLookupLocales(written)).toEqual([]);
  });
});

describe('the look-up of RFC 4647 removes subtags from the end', () => {
  test.each([
    [
      'zh-Hant-CN-x-private1-private2',
      ['zh-Hant-CN-x-private1-private2', 'zh-Hant-CN-x-private1', 'zh-Hant-CN', 'zh-Hant', 'zh'],
    ],
    ['pt_BR', ['pt-BR', 'pt']],
    ['zh-Hant-TW', ['zh-Hant-TW', 'zh-Hant', 'zh']],
    ['en-US-u-ca-buddhist', ['en-US-u-ca-buddhist', 'en-US-u-ca', 'en-US', 'en']],
    ['fr', ['fr']],
  ])('of %s', (written, locales) => {
    expect(listLookupLocales(written)).toEqual(locales);
  });
});
