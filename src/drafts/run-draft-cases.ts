import type { CatalogData } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import { type CaseReport, toCaseReport } from '../simulate/cases/case-report.ts';
import type { CaseResult } from '../simulate/cases/run-case.ts';
import { eachCase } from '../simulate/cases/run-cases.ts';
import { cutIntoSlices } from './slices.ts';

/** Longest time (ms) of a case, and of all. */
const MAX_CASE_MS: Millis = 1000;
const MAX_CASES_MS: Millis = 10_000;
/** Lines of what happened in a case that failed. */
const MAX_TIMELINE = 200;

export interface DraftCaseReport extends CaseReport {
  /** Cases that were not run, because those before took too long. */
  readonly left_out: number;
}

/**
 * Runs the cases of a draft as `tidings test` does, and lets others work in between.
 * @param text of cases.yaml
 * @throws CatalogError with every error in the cases
 */
export async function runDraftCases(data: CatalogData, text: string): Promise<DraftCaseReport> {
  const results: CaseResult[] = [];
  const until = performance.now() + MAX_CASES_MS;
  const pause = cutIntoSlices();
  let all = 0;
  for (const { result, total } of eachCase(data, text, () => performance.now(), MAX_CASE_MS)) {
    all = total;
    results.push({ ...result, timeline: result.timeline.slice(0, MAX_TIMELINE) });
    if (performance.now() > until) break;
    await pause();
  }
  const leftOut = all - results.length;
  const report = toCaseReport(results);
  return { ...report, ok: report.ok && leftOut === 0, left_out: leftOut };
}
