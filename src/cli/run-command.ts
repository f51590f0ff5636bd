import { CatalogError } from '../errors.ts';
import { type Api, ApiError, connect } from './api.ts';
import { escapeLines, escapeTerminal } from './escape-terminal.ts';
import { isCatalogProblems, problemLines } from './problems.ts';

/** Prints what a running Tidings said, for people or as JSON; a mistake goes to stderr, and the exit code is 1. */
export async function runApiCommand(
  asJson: boolean | undefined,
  work: (api: Api) => Promise<{ readonly data: unknown; readonly lines: readonly string[] }>,
): Promise<void> {
  try {
    const { data, lines } = await work(connect(process.env));
    console.log(asJson ? JSON.stringify(data) : escapeLines(lines));
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof CatalogError)) throw error;
    process.exitCode = 1;
    const problem = error instanceof ApiError ? error.problem : undefined;
    if (asJson) {
      console.log(JSON.stringify(problem ?? { detail: error.message }));
      return;
    }
    if (error instanceof CatalogError) return printError(error);
    console.error(`tidings: ${escapeTerminal(error.message)}`);
    if (isCatalogProblems(problem?.problems)) console.error(escapeLines(problemLines(problem.problems)));
  }
}

/** A mistake, for people. */
export function printError(error: Error, before = ''): void {
  const lines = error instanceof CatalogError ? problemLines(error.problems) : error.message.split('\n');
  console.error(`tidings: ${before}${escapeLines(lines)}`);
}
