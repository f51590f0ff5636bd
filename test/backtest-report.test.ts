import { expect, test } from 'vitest';
import { renderHtmlReport } from '../src/simulate/backtest/html-report.ts';
import { renderProgress, renderTextReport } from '../src/simulate/backtest/text-report.ts';
import { postStep } from './support/history-steps.ts';
import { HOUR, plainRule } from './support/random-catalog.ts';
import { compareRules } from './support/replay.ts';

const RULE = { name: 'R', on: ['a'] };
const once = { max: 1, period: { kind: 'ever' }, text: 'once' } as const;

test('shows the report as text and as a page, and escapes user IDs', () => {
  const report = compareRules(plainRule({ ...RULE, limits: [once] }), plainRule(RULE), [
    postStep(HOUR, 'a'),
    postStep(HOUR, 'a'),
  ]);
  const [type] = report.types;
  const [example] = type?.examples ?? [];
  if (!type || !example) throw new Error('no example');
  const hostile = '<img src=x onerror=alert(1)>';
  const changed = { ...report, types: [{ ...type, examples: [{ ...example, user_id: hostile }] }] };
  const text = renderTextReport(changed);
  expect(text).toMatch(/^Backtest of the catalog, from /);
  expect(renderTextReport({ ...report, mode: 'live' })).toMatch(/^Reproduction of past decisions, from /);
  expect(text).toContain('2 events of 1 user');
  expect(text).toMatch(/N1 +1 +2 +1 +0 +0 +0 +1/);
  expect(text).toContain('R: suppressed (limit_reached)');
  const page = renderHtmlReport(changed);
  expect(page).toContain('<title>Backtest of the catalog</title>');
  expect(page).not.toContain(hostile);
  expect(page).toContain('&lt;img src=x');
  expect(page).not.toMatch(/<script|<link|https?:/);
  expect(page.match(/<rect class="(live|new)"/g)).toHaveLength(2);
});

test('shows the progress as a bar', () => {
  expect(renderProgress(500, 2000, 12_000, 2)).toMatch(/^\[#{8} {22}\] 25% {2}500 of 2,000 users {2}6,000 events\/s$/);
  expect(renderProgress(0, 0, 0, 0)).toContain('100%');
});
