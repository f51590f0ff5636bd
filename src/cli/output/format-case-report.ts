import { formatCount } from '../../lib/text/format-count.ts';
import { type CaseReport, roundMs } from '../../simulate/cases/case-report.ts';
import type { CaseResult } from '../../simulate/cases/run-case.ts';
import { CASES_FILE } from '../../simulate/cases/run-cases.ts';
import { escapeLines } from './escape-terminal.ts';

/** With more cases, only those that failed are listed. */
const MAX_LISTED_CASES = 200;

/** Formats a line for each case, the details of those that failed, and a summary; safe to print. */
export function formatCaseReport({ failed, ms, cases }: CaseReport): string {
  const failures = cases.filter(({ passed }) => !passed);
  const listed = cases.length > MAX_LISTED_CASES ? failures : cases;
  const all = formatCount(cases.length, 'case');
  const lines = [
    ...listed.map((one) => `${one.passed ? '✓' : '✗'} ${one.name} (${roundMs(one.ms)} ms)`),
    ...failures.flatMap(formatFailure),
    '',
    failed === 0 ? `${all} passed in ${ms} ms` : `${failed} of ${all} failed in ${ms} ms`,
  ];
  return escapeLines(lines);
}

function formatFailure({ name, line, failures, timeline }: CaseResult): string[] {
  const lines = ['', `✗ ${name} (${CASES_FILE}:${line})`];
  for (const { line: at, message, closest, evidence } of failures) {
    lines.push(`  ${CASES_FILE}:${at}: ${message}`);
    if (closest) lines.push(`    closest: ${closest}`);
    lines.push(...evidence.map((text) => `      ${text}`));
  }
  lines.push('  What happened:', ...timeline.map((text) => `    ${text}`));
  return lines;
}
