import { createInterface } from 'node:readline/promises';
import { CommanderError } from 'commander';
import { EXIT_FAILURE, failUsage } from './exit-codes.ts';
import { escapeTerminal } from './output/escape-terminal.ts';

/** Option of each command that destroys something; see `confirm`. */
export const YES_OPTION = ['--yes', 'do not ask before it is done'] as const;

/**
 * Asks before something is destroyed, and returns after `y` or `yes`. Asks nothing with `--yes`.
 *
 * @throws CommanderError with exit code 1 after any other answer, and with 2 without a terminal
 */
export async function confirm(question: string, isSure: boolean | undefined): Promise<void> {
  if (isSure) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    failUsage(`${escapeTerminal(question)} Confirm with --yes: there is no terminal to ask on.`);
  }
  // On stderr, so that stdout holds only the result.
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const answer = await Promise.race([lines.question(`${escapeTerminal(question)} [y/N] `), closed]);
  lines.close();
  if (/^\s*y(es)?\s*$/i.test(answer)) return;
  console.error('tidings: nothing was changed');
  throw new CommanderError(EXIT_FAILURE, 'tidings.declined', 'nothing was changed');
}
