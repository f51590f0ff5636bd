import { CatalogError, ConfigError, TidingsError } from '../errors.ts';
import { formatCount } from '../lib/text/format-count.ts';
import { getSqlState, isUnreachable } from '../store/pg/errors.ts';
import { EXIT_FAILURE } from './exit-codes.ts';
import { type ApiClient, ApiError, connect } from './operation/api-client.ts';
import { escapeLines, escapeTerminal } from './output/escape-terminal.ts';
import { formatProblems, isProblemList } from './output/format-problems.ts';
import { rejectProfileOfDatabase, withProfile } from './profiles/use-profile.ts';

export interface CommandOutput {
  /** Printed with `--json`, as one line; undefined: the command has printed everything itself. */
  readonly data: unknown;
  /** Printed otherwise. */
  readonly lines: readonly string[];
  /** Printed to standard error without `--json`, so that a script reads `lines` alone; undefined: nothing. */
  readonly notes?: readonly string[];
  /**
   * Sentence about the part that the command was asked for and did not do: printed to standard error, with the exit code 1. Absent: it
   * did everything.
   */
  readonly failure?: string | undefined;
}

/** Returns the output of a page of a list: its lines, or a sentence without any, and how to get the next page. */
export function toPage(data: { readonly next: string | null }, lines: readonly string[], none: string): CommandOutput {
  return {
    data,
    lines: lines.length > 0 ? lines : [none],
    ...(data.next !== null && { notes: [`More: --after ${data.next}`] }),
  };
}

/** Option of each command that prints JSON for programs. */
export const JSON_OPTION = ['--json', 'print one line of JSON'] as const;

/**
 * Runs a command that calls a running Tidings, and prints its output. If the call fails, prints the error (to stderr, or
 * with `--json` the problem document to stdout) and sets the exit code 1. So does a file that cannot be read or written.
 */
export async function runApiCommand(
  asJson: boolean | undefined,
  work: (api: ApiClient) => Promise<CommandOutput>,
): Promise<void> {
  try {
    const output = await work(connect(withProfile(process.env)));
    if (output.data !== undefined) printOutput(output, asJson);
  } catch (error) {
    if (!isUserError(error)) throw error;
    process.exitCode = EXIT_FAILURE;
    const problem = error instanceof ApiError ? error.problem : undefined;
    if (asJson) {
      console.log(JSON.stringify(problem ?? { detail: error.message }));
      return;
    }
    if (!(error instanceof ApiError)) return printError(error);
    console.error(`tidings: ${escapeTerminal(error.message)}`);
    if (isProblemList(problem?.errors)) console.error(escapeLines(formatProblems(problem.errors)));
  }
}

/** Prints the output of a command. */
export function printOutput({ data, lines, notes = [], failure }: CommandOutput, asJson: boolean | undefined): void {
  console.log(asJson ? JSON.stringify(data) : escapeLines(lines));
  if (!asJson && notes.length > 0) console.error(escapeLines(notes));
  if (failure === undefined) return;
  process.exitCode = EXIT_FAILURE;
  console.error(`tidings: ${escapeTerminal(failure)}`);
}

/** Returns the `failure` of an import; undefined: no line was rejected. */
export function toRejectedLines(rejected: number): string | undefined {
  if (rejected === 0) return undefined;
  return `${formatCount(rejected, 'line')} ${rejected === 1 ? 'was' : 'were'} rejected.`;
}

/**
 * Runs a command on files of this machine, and prints its output. An error that the user can fix is printed to stderr, or with
 * `--json` to stdout, with the exit code 1.
 */
export async function runLocalCommand(asJson: boolean | undefined, work: () => Promise<CommandOutput>): Promise<void> {
  try {
    printOutput(await work(), asJson);
  } catch (error) {
    if (!isUserError(error)) throw error;
    process.exitCode = EXIT_FAILURE;
    if (asJson) {
      const problems = error instanceof CatalogError ? { problems: error.problems } : {};
      console.log(JSON.stringify({ detail: error.message, ...problems }));
    } else printError(error);
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
  rejectProfileOfDatabase();
  try {
    await work();
  } catch (error) {
    const isLost = isUnreachable(error);
    if (!(isUserError(error) || isLost)) throw error;
    printError(error as Error, isLost ? 'the database cannot be reached: ' : '');
    process.exitCode = EXIT_FAILURE;
  }
}

/** Whether the user can fix it: the message says how, and a stack would not help. */
function isUserError(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof CatalogError || error instanceof ApiError) return true;
  if (error instanceof TidingsError) return true;
  return USER_ERROR_CODES.test(getSqlState(error));
}
