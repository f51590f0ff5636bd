import type { CatalogData } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { parseCases } from './parse-cases.ts';
import { type CaseResult, compileCaseRules, runCase } from './run-case.ts';

/** File in the folder of a catalog that holds its cases. */
export const CASES_FILE = 'cases.yaml';

/**
 * Parses the cases of a catalog and runs them, in the order of the file.
 *
 * @param clock milliseconds, to measure how long a case takes
 * @param onProgress called after each case, with the number of cases that were run and of all
 * @throws CatalogError with every error in the cases
 */
export function runCases(
  data: CatalogData,
  text: string,
  clock: () => Millis,
  onProgress: (done: number, total: number) => void = () => {},
): CaseResult[] {
  const results: CaseResult[] = [];
  for (const { result, total } of eachCase(data, text, clock)) {
    results.push(result);
    onProgress(results.length, total);
  }
  return results;
}

/**
 * Does what `runCases` does, a case at a time, so that others can work in between.
 *
 * @param maxMs longest time of a case: it fails then
 * @throws CatalogError with every error in the cases
 */
export function* eachCase(
  data: CatalogData,
  text: string,
  clock: () => Millis,
  maxMs: Millis = Number.POSITIVE_INFINITY,
): Generator<{ readonly result: CaseResult; readonly total: number }> {
  const cases = parseCases(CASES_FILE, text, data);
  const rules = compileCaseRules(data);
  for (const one of cases) yield { result: runCase(rules, one, clock, maxMs), total: cases.length };
}
