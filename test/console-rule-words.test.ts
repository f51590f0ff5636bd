import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatDebounce, formatDigest } from '../packages/console/src/shell/rule-waits.ts';
import { setTexts } from '../packages/console/src/text/text.ts';
import { readTranslations } from '../packages/console/texts.ts';
import { changeSmallCatalog, parseCatalog } from './support/catalog.ts';

/** Quiet periods and digests of rules as the console says them in another language: the text of the catalog is English. */

beforeAll(() => setTexts(readTranslations('de'), 'de'));
afterAll(() => setTexts({}, 'en'));

test.each([
  ['debounce: 1h', 'Ruhe für 1 h'],
  ['debounce: { quiet: 1h, at_most: 36h }', 'Ruhe für 1 h, höchstens 1 d 12 h'],
  ['digest: { sliding: { quiet: 15m, at_most: 2h }, keep: 5 }', 'Ruhe für 15 min, höchstens 2 h, behalten: 5'],
  ['digest: { window: 5m, keep: 1 }', '5m, behalten: 1'],
])('%s is "%s"', async (written, words) => {
  const { rules } = await parseCatalog(
    changeSmallCatalog({ 'rules.yaml': `rules:\n  WELCOME:\n    on: signup_completed\n    ${written}\n` }),
  );
  const { debounce, digest } = rules[0] ?? {};
  expect(debounce ? formatDebounce(debounce) : digest && formatDigest(digest)).toBe(words);
});
