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
  const cases = parseCases(CASES_FILE, text, data);
  const rules = compileCaseRules(data);
  return cases.map((one, index) => {
    const result = runCase(rules, one, clock);
    onProgress(index + 1, cases.length);
    return result;
  });
}
