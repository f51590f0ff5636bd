import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, test } from 'vitest';
import { REASON_WORDS } from '../packages/console/src/shell/reason-words.ts';
import { LANGUAGES, readHeadings, readPlainWords, readTexts, readTranslations } from '../packages/console/texts.ts';
import { REASON_CODES } from '../src/model/decision.ts';
import { DELIVERY_REASON_CODES } from '../src/model/delivery.ts';
import { DELIVERY_HOLD_CODES } from '../src/model/hold-codes.ts';
import { PLAN_CODES } from '../src/model/plan-codes.ts';

const RUN = join(import.meta.dirname, '../scripts/run.mjs');

describe('the texts of the console', () => {
  const texts = [...readTexts().keys()];

  test('include all words that a user reads', () => {
    const plain = readPlainWords().map(({ path, line, words }) => `${path}:${line}: ${words}`);
    expect(plain).toEqual([]);
  });

  test.each(LANGUAGES)('are all translated, and nothing else is, in the language %s', (language) => {
    const translations = readTranslations(language);
    expect(Object.keys(translations).filter((text) => !texts.includes(text))).toEqual([]);
    expect(texts.filter((text) => !translations[text])).toEqual([]);
  });

  test.each(LANGUAGES)('name no two columns of a table alike in the language %s', (language) => {
    const translations = readTranslations(language);
    const alike = readHeadings().filter(
      (headings) => new Set(headings.map((text) => translations[text] ?? text)).size < headings.length,
    );
    expect(alike).toEqual([]);
  });

  test.each(LANGUAGES)('have the same values and tags in the language %s', (language) => {
    const translations = readTranslations(language);
    const differing = Object.entries(translations).filter(
      ([text, translation]) => placesIn(text) !== placesIn(translation),
    );
    expect(differing).toEqual([]);
  });
});

test('the texts without a translation are printed as one document of JSON, by file', () => {
  const script = join(import.meta.dirname, '../packages/console/texts.ts');
  const printed = execFileSync(process.execPath, [RUN, script, '--missing', 'de'], { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual({ 'de.json': {}, 'failures/de.json': {} });
});

test.each([
  ['a decision', REASON_CODES],
  ['a verdict of the plan', PLAN_CODES],
  ['a delivery that was not sent', DELIVERY_REASON_CODES],
  ['a delivery that waits', DELIVERY_HOLD_CODES],
])('each reason of %s has words in each language', (_, codes) => {
  const words: { readonly [code: string]: string } = REASON_WORDS;
  const languages = LANGUAGES.map(readTranslations);
  const without = codes.filter((code) => !languages.every((translations) => translations[words[code] ?? '']));
  expect(without).toEqual([]);
});

/** Returns the names of the values and tags of a message. */
function placesIn(message: string): string {
  const names = new Set<string>();
  const collect = (elements: readonly unknown[]) => {
    for (const element of elements as { type: number; value: string; options?: object; children?: unknown[] }[]) {
      // 0 is literal text, 7 the # of a plural.
      if (element.type !== 0 && element.type !== 7) names.add(element.value);
      for (const option of Object.values(element.options ?? {})) collect(option.value);
      collect(element.children ?? []);
    }
  };
  collect(new IntlMessageFormat(message, 'en').getAst());
  return [...names].sort().join(' ');
}
