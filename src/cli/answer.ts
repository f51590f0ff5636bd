import { CatalogError } from '../errors.ts';
import { type Api, ApiError, connect } from './api.ts';
import { isCatalogProblems, problemLines } from './problems.ts';

/** Prints what a running Tidings said, for people or as JSON; a mistake goes to stderr, and the exit code is 1. */
export async function answer(
  asJson: boolean | undefined,
  work: (api: Api) => Promise<{ readonly data: unknown; readonly text: string }>,
): Promise<void> {
  try {
    const { data, text } = await work(connect(process.env));
    console.log(asJson ? JSON.stringify(data) : text);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof CatalogError)) throw error;
    process.exitCode = 1;
    const problem = error instanceof ApiError ? error.problem : undefined;
    if (asJson) {
      console.log(JSON.stringify(problem ?? { detail: error.message }));
      return;
    }
    console.error(`tidings: ${error.message}`);
    if (isCatalogProblems(problem?.problems)) console.error(problemLines(problem.problems).join('\n'));
  }
}
