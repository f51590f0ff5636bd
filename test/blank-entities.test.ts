import { describe, expect, test } from 'vitest';
import { explainBlankHtml } from './support/templates.ts';

describe('HTML with nothing but invisible characters is blank, however they are written', () => {
  test.each([
    ...[
      '&#8203;',
      '&#65279;',
      '&#x200b;',
      '&#X200B;',
      '&#32;',
      '&#8203',
      '&emsp;',
      '&ensp;',
      '&thinsp;',
      '&nbsp;',
      '&nbsp',
    ],
    ...[
      '&ZeroWidthSpace;',
      '&NoBreak;',
      '&shy;',
      '&zwnj;',
      '&zwj;',
      '&lrm;',
      '&#8288;',
      '&#847;&#8204;',
      '&#xAD;',
      '&Tab;',
    ],
    ...['\u200b', '&InvisibleTimes;', '&#10;', '&#x3000;', '&#xFE0F;'],
  ])('%s', (text) => {
    expect(explainBlankHtml(`<p>${text}</p>`)).toBe('The html of T is empty.');
  });

  test.each(['&amp;', '&lt;', '&#65;', '&copy;', '&amp;#8203;', '&', '&bogus;', '&#128512;', '&#8203;x'])(
    '%s is seen',
    (text) => {
      expect(explainBlankHtml(`<p>${text}</p>`)).toBe('');
    },
  );
});
