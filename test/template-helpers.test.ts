import { describe, expect, test } from 'vitest';
import { formatFirstProblem, render, renderHtml, renderText } from './support/templates.ts';

describe('plural follows the language', () => {
  const SLAVIC = '{{plural event.n one="plik" few="pliki" many="plików" other="pliku"}}';
  test.each([
    ['en', '{{plural event.n one="item" other="items"}}', 1, 'item'],
    ['en', '{{plural event.n one="item" other="items"}}', 0, 'items'],
    ['en', '{{plural event.n zero="nothing" one="item" other="items"}}', 0, 'nothing'],
    ['en', '{{plural event.n one="item" other="items"}}', '1', 'item'],
    ['pl', SLAVIC, 1, 'plik'],
    ['pl', SLAVIC, 3, 'pliki'],
    ['pl', SLAVIC, 5, 'plików'],
    ['pl', SLAVIC, 1.5, 'pliku'],
    ['fr', '{{plural event.n one="a" other="b"}}', 0, 'a'],
    ['en', '{{plural event.n one="a" other="b" locale="fr"}}', 0, 'a'],
    ['en', '{{plural event.n one="a" other="b"}}', 'many', ''],
  ])('%s: %s of %s', (locale, source, n, expected) => {
    expect(renderText(source, { event: { n } }, locale)).toBe(expected);
  });

  test('and needs a text for the other numbers', () => {
    expect(formatFirstProblem('{{plural event.n one="item"}}')).toContain('`plural` has no `other`');
  });

  test('what data gives as a text is escaped', () => {
    expect(renderHtml('<p>{{plural event.n other=event.x}}</p>', { event: { n: 2, x: '<b>' } })).toBe(
      '<p>&lt;b&gt;</p>',
    );
  });
});

test('currency is another name of money', () => {
  expect(renderText('{{currency event.a "EUR"}}', { event: { a: 12.5 } })).toBe('€12.50');
});

describe('asset', () => {
  const tenant = { asset_base_url: 'https://static.example/mail/' };
  test.each([
    ['logo.png', 'https://static.example/mail/logo.png'],
    ['a b/logo.png', 'https://static.example/mail/a%20b/logo.png'],
    ['../../secret', 'https://static.example/mail/secret'],
    ['/logo.png', 'https://static.example/mail/logo.png'],
    ['//evil.example/x', 'https://static.example/mail/evil.example/x'],
    ['x?a=1#b', 'https://static.example/mail/x%3Fa%3D1%23b'],
  ])('gives %s a URL below that of the tenant', (name, expected) => {
    expect(renderHtml('<img src="{{asset event.x}}">', { event: { x: name }, tenant })).toBe(`<img src="${expected}">`);
  });

  test('without the setting the message is not rendered, and the reason names it', () => {
    expect(() => render({ text: '{{asset "logo.png"}}' }, { tenant: {} }, 'sms')).toThrow(
      'the tenant has no asset_base_url',
    );
  });
});
