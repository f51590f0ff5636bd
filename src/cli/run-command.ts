import { CatalogError, ConfigError } from '../errors.ts';
import { getSqlState, isUnreachable } from '../store/pg/errors.ts';
import { type ApiClient, ApiError, connect } from './operation/api-client.ts';
import { escapeLines, escapeTerminal } from './output/escape-terminal.ts';
import { formatProblems, isProblemList } from './output/format-problems.ts';

export interface CommandOutput {
  /** Printed with `--json`, as one line. */
  readonly data: unknown;
  /** Printed otherwise. */
  readonly lines: readonly string[];
}

/**
 * Runs a command that calls a running Tidings, and prints its output. If the call fails, prints the error (to stderr, or
 * with `--json` the problem document to stdout) and sets the exit code 1.
 */
export async function runApiCommand(
  asJson: boolean | undefined,
  work: (api: ApiClient) => Promise<CommandOutput>,
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
    if (isProblemList(problem?.errors)) console.error(escapeLines(formatProblems(problem.errors)));
  }
}

/** Prints an error to stderr, without its stack. @param prefix put before the message */
export function printError(error: Error, prefix = ''): void {
  const lines = error instanceof CatalogError ? formatProblems(error.problems) : error.message.split('\n');
  console.error(`tidings: ${prefix}${escapeLines(lines)}`);
}

/** Codes of errors that the user can fix: of a lock, a privilege, a full disk, the file system. */
const USER_ERROR_CODES = /^(55P03|42501|53100|ENOSPC|EACCES|EPERM|EROFS|EISDIR|ENOTDIR|ENOENT|EDQUOT|EFBIG)$/;

/** Runs a command on the database itself. An error that the user can fix is printed without a stack, with the exit code 1. */
export async function runDatabaseCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isLost = isUnreachable(error);
    const isOurs = error instanceof ConfigError || error instanceof CatalogError;
    if (!(isOurs || isLost || USER_ERROR_CODES.test(getSqlState(error)))) throw error;
    printError(error as Error, isLost ? 'the database cannot be reached: ' : '');
    process.exitCode = 1;
  }
}
