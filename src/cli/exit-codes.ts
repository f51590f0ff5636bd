import { CommanderError } from 'commander';

/** Exit code of a command that failed, or found what it looks for: a catalog with errors, a failing check. */
export const EXIT_FAILURE = 1;

/** Exit code of a command that was written wrongly, and did nothing. */
export const EXIT_USAGE = 2;

/** Prints what the caller has to write differently to stderr. @throws CommanderError always, for the exit code 2 */
export function failUsage(message: string): never {
  console.error(`error: ${message}`);
  throw new CommanderError(EXIT_USAGE, 'tidings.usage', message);
}
