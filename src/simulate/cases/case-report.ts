import type { CaseResult } from './run-case.ts';

/** The results of all cases, as `tidings test --json` prints them. */
export interface CaseReport {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly ms: number;
  readonly cases: readonly CaseResult[];
}

export function toCaseReport(cases: readonly CaseResult[]): CaseReport {
  const failed = cases.filter(({ passed }) => !passed).length;
  const ms = roundMs(cases.reduce((sum, one) => sum + one.ms, 0));
  return { ok: failed === 0, passed: cases.length - failed, failed, ms, cases };
}

/** Rounds a time to a tenth of a millisecond. */
export function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
