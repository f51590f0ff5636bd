import { expect, test } from 'vitest';
import { lintFiles } from './support/catalog.ts';
import { buildLintFiles } from './support/lint-files.ts';

/**
 * Recommendations of findings are valid: with the change applied, the catalog has no error, and not the same finding again.
 * Each row: the code of the finding, the rule, what the hint must say, and the rule with that change.
 */

async function lint(rules: string) {
  const { problems } = await lintFiles(buildLintFiles(rules));
  return problems.filter(({ code }) => !/^unused_(event|notification)$/.test(code));
}

test.each<[code: string, rule: string, hint: string, changed: string]>([
  [
    'endless_wait',
    '{ on: a, debounce: 1h }',
    'debounce: { quiet: 1h, at_most: 24h }',
    '{ on: a, debounce: { quiet: 1h, at_most: 24h } }',
  ],
  [
    'endless_wait',
    '{ on: a, debounce: 3d }',
    'debounce: { quiet: 3d, at_most: 6d }',
    '{ on: a, debounce: { quiet: 3d, at_most: 6d } }',
  ],
  [
    'endless_wait',
    '{ on: a, debounce: 3650d }',
    'debounce: { quiet: 3650d, at_most: 3650d }',
    '{ on: a, debounce: { quiet: 3650d, at_most: 3650d } }',
  ],
  [
    'endless_wait',
    '{ on: a, delay: 36h, again: restart }',
    'write debounce: { quiet: 36h, at_most: 3d } in place of delay and again',
    '{ on: a, debounce: { quiet: 36h, at_most: 3d } }',
  ],
  [
    'endless_wait',
    '{ on: a, delay: 1h, at: "09:00", again: restart }',
    'write again: ignore, by which the wait of the first trigger ends',
    '{ on: a, delay: 1h, at: "09:00", again: ignore }',
  ],
  [
    'endless_wait',
    '{ on: a, at: event.id - 1h, unless: { event: b, within: 1h }, if_past: send_now }',
    'write again: ignore, by which the wait of the first trigger ends',
    '{ on: a, at: event.id - 1h, unless: { event: b, within: 1h }, if_past: send_now, again: ignore }',
  ],
  [
    'endless_wait',
    '{ on: a, unless: { event: b, within: 1h }, again: restart }',
    'write again: ignore, by which the wait of the first trigger ends',
    '{ on: a, unless: { event: b, within: 1h }, again: ignore }',
  ],
  [
    'own_trigger',
    '{ on: a, after: { event: a, within: 2h } }',
    'write count: { at_least: 2, within: 2h } in place of after',
    '{ on: a, count: { at_least: 2, within: 2h } }',
  ],
  [
    'own_trigger',
    '{ on: a, after: { event: a, within: 2h }, when: matched.a.n > 1 }',
    'name another event, or add same, to say which two belong together',
    '{ on: a, after: { event: a, within: 2h, same: event.id }, when: matched.a.n > 1 }',
  ],
  [
    'own_trigger',
    '{ on: a, unless: { event: a, within: 7d } }',
    'write debounce: { quiet: 7d, at_most: 14d } in place of unless and any again',
    '{ on: a, debounce: { quiet: 7d, at_most: 14d } }',
  ],
  [
    'own_trigger',
    '{ on: a, delay: 1h, unless: { event: a, within: 7d } }',
    'name another event, or add same, to say which two belong together',
    '{ on: a, delay: 1h, unless: { event: b, within: 7d } }',
  ],
  [
    'cancels_itself',
    '{ on: a, at: "09:00", cancel_on: [a, b] }',
    'to restart the wait, remove it here and write again: restart',
    '{ on: a, at: "09:00", again: restart, cancel_on: [b] }',
  ],
  [
    'cancels_itself',
    '{ on: a, debounce: { quiet: 1h, at_most: 2h }, cancel_on: [a, b] }',
    'remove it here',
    '{ on: a, debounce: { quiet: 1h, at_most: 2h }, cancel_on: [b] }',
  ],
  [
    'cancels_itself',
    '{ on: a, digest: { window: 1h }, cancel_on: [a, b] }',
    'remove it here',
    '{ on: a, digest: { window: 1h }, cancel_on: [b] }',
  ],
  [
    'count_always',
    '{ on: a, count: { at_least: 1, within: 1h } }',
    'at_least: 2',
    '{ on: a, count: { at_least: 2, within: 1h } }',
  ],
  [
    'count_never',
    '{ on: a, count: { at_most: 0, within: 1h } }',
    'at_most: 1',
    '{ on: a, count: { at_most: 1, within: 1h } }',
  ],
  [
    'unused_zone',
    '{ on: a, zone: user, limit: 2 per day }',
    'a limit names its own zone: 1 per day in user zone',
    '{ on: a, limit: 1 per day in user zone }',
  ],
  [
    'skipped_months',
    '{ every: cron 30 8 31 * *, for: "true", notify: A }',
    'for the last day of each month, write month on last at 08:30',
    '{ every: month on last at 08:30, for: "true", notify: A }',
  ],
  [
    'loop',
    '{ on: a, do: { emit: a } }',
    'nothing ends this: add a limit, as in limit: 1 per day',
    '{ on: a, do: { emit: a }, limit: 1 per day }',
  ],
])('%s: %s', async (code, rule, hint, changed) => {
  const found = await lint(`  A: ${rule}\n`);
  expect(found.map((one) => [one.code, one.hint])).toContainEqual([code, hint]);
  const after = await lint(`  A: ${changed}\n`);
  expect(after.filter((one) => one.severity === 'error' || one.code === code)).toEqual([]);
});
