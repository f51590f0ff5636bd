import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatDebounce, formatDigest, formatSchedule } from '../packages/console/src/shell/rule-waits.ts';
import { setTexts } from '../packages/console/src/text/text.ts';
import { readTranslations } from '../packages/console/texts.ts';
import { parseRecurrence } from '../src/catalog/parse/rules/recurrence-expression.ts';
import { changeSmallCatalog, parseCatalog } from './support/catalog.ts';

/** Quiet periods and digests of rules as the console says them in another language: the text of the catalog is English. */

beforeAll(() => setTexts(readTranslations('de'), 'de'));
afterAll(() => setTexts({}, 'en'));

test.each([
  ['debounce: 1h', 'Ruhe für 1 h'],
  ['debounce: { quiet: 1h, at_most: 36h }', 'Ruhe für 1 h, höchstens 1 d 12 h'],
  ['digest: { sliding: { quiet: 15m, at_most: 2h }, keep: 5 }', 'Ruhe für 15 min, höchstens 2 h, behalten: 5'],
  ['digest: { window: 5m, keep: 1 }', '5 min, behalten: 1'],
  ['digest: { at: day 18:00, keep: 3 }', 'jeden Tag um 18:00, behalten: 3'],
])('%s is "%s"', async (written, words) => {
  const { rules } = await parseCatalog(
    changeSmallCatalog({ 'rules.yaml': `rules:\n  WELCOME:\n    on: signup_completed\n    ${written}\n` }),
  );
  const { debounce, digest } = rules[0] ?? {};
  expect(debounce ? formatDebounce(debounce) : digest && formatDigest(digest)).toBe(words);
});

test.each([
  ['hour', 'jede Stunde'],
  ['day 18:00', 'jeden Tag um 18:00'],
  ['weekday 08:30', 'montags bis freitags um 08:30'],
  ['Tuesday 09:00', 'Dienstag um 09:00'],
  ['month on 1 at 09:00', 'am 1. Tag des Monats um 09:00'],
  ['month on last at 23:59', 'am letzten Tag des Monats um 23:59'],
  ['cron 0 9 * * 1', 'cron 0 9 * * 1'],
])('a schedule of %s is "%s"', (written, words) => {
  const parsed = parseRecurrence(written);
  expect('recurrence' in parsed && formatSchedule(parsed.recurrence.text)).toBe(words);
});
