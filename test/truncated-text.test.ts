import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sliceStart, truncateText } from '../src/lib/text/truncate-text.ts';
import { render } from './support/templates.ts';

const subject = (title: string) => render({ subject: '{{event.title}}', text: 'x' }, { event: { title } }).subject;

describe('a long subject is cut between characters', () => {
  test.each([
    ['an emoji', '😀'],
    ['a family', '👨‍👩‍👧‍👦'],
    ['a flag', '🇵🇹'],
    ['a skin color', '👍🏽'],
    ['a letter with accents', 'e\u0301\u0323'],
    ['a keycap', '1️⃣'],
    ['a syllable of Hangul', '\u1112\u1161\u11ab'],
  ])('%s', (_what, cluster) => {
    for (let before = 254 - cluster.length; before < 255; before++) {
      const cut = subject(`${'a'.repeat(before)}${cluster} tail`);
      const whole = before + cluster.length <= 254;
      expect(cut).toBe(
        `${'a'.repeat(before)}${whole ? cluster : ''}${' '.repeat(before + cluster.length < 254 ? 1 : 0)}${
          before + cluster.length < 254 ? 'tail'.slice(0, 254 - before - cluster.length - 1) : ''
        }…`,
      );
    }
  });

  test('a subject of 255 characters is not cut', () => {
    expect(subject('a'.repeat(255))).toBe('a'.repeat(255));
  });
});

test('the start of any text is well-formed, no longer than asked for, and a beginning of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.nat({ max: 100 }), (text, most) => {
      const start = sliceStart(text, most);
      expect(start.isWellFormed()).toBe(true);
      expect(start.length).toBeLessThanOrEqual(most);
      expect(text.startsWith(start)).toBe(true);
    }),
  );
});

test('a letter under a heap of marks is cut rather than left out', () => {
  expect(truncateText(`a${'\u0301'.repeat(1000)}`, 100)).toHaveLength(100);
});
