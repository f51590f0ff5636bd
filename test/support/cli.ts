import { type Command, CommanderError } from 'commander';
import { program } from '../../src/cli/tidings.ts';

export interface CommandOutput {
  /** All that was printed, to standard output and standard error, in order. */
  readonly text: string;
  readonly errors: string;
  readonly exitCode: number;
}

/** Runs a command of the command line in this process. Commands that call the API use TIDINGS_URL. */
export async function runCommand(...args: string[]): Promise<CommandOutput> {
  const printed: string[] = [];
  const errors: string[] = [];
  const { log, error } = console;
  console.log = (text: string) => void printed.push(text);
  console.error = (text: string) => {
    printed.push(text);
    errors.push(text);
  };
  redirect(
    program,
    (text) => printed.push(text),
    (text) => {
      printed.push(text);
      errors.push(text);
    },
  );
  try {
    await program.parseAsync(args, { from: 'user' });
    return { text: printed.join('\n'), errors: errors.join('\n'), exitCode: Number(process.exitCode ?? 0) };
  } catch (failed) {
    if (!(failed instanceof CommanderError)) throw failed;
    const exitCode = failed.exitCode === 0 ? 0 : 2;
    return { text: printed.join('\n'), errors: errors.join('\n'), exitCode };
  } finally {
    Object.assign(console, { log, error });
    process.exitCode = 0;
  }
}

/** Hands what Commander itself prints, such as help, to the caller. */
function redirect(command: Command, writeOut: (text: string) => void, writeErr: (text: string) => void): void {
  command.configureOutput({ writeOut, writeErr });
  for (const child of command.commands) redirect(child, writeOut, writeErr);
}
