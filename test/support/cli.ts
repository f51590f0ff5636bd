import { type Command, CommanderError } from 'commander';
import { program } from '../../src/cli/tidings.ts';

export interface CommandOutput {
  /** All that was printed, to standard output and standard error, in order. */
  readonly text: string;
  readonly errors: string;
  /** The two streams as a process would write them. */
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a command of the command line in this process. Commands that call the API use TIDINGS_URL. */
export async function runCommand(...args: string[]): Promise<CommandOutput> {
  const printed: string[] = [];
  const errors: string[] = [];
  const streams = { stdout: '', stderr: '' };
  const { log, error } = console;
  const printOut = (text: string, end = '\n') => {
    printed.push(text);
    streams.stdout += text + end;
  };
  const printError = (text: string, end = '\n') => {
    printed.push(text);
    errors.push(text);
    streams.stderr += text + end;
  };
  const { write } = process.stderr;
  // Progress.
  process.stderr.write = (chunk: string | Uint8Array) => {
    streams.stderr += chunk;
    return true;
  };
  console.log = (text: string) => printOut(text);
  console.error = (text: string) => printError(text);
  redirect(
    program,
    (text) => printOut(text, ''),
    (text) => printError(text, ''),
  );
  const collect = (exitCode: number) => ({
    text: printed.join('\n'),
    errors: errors.join('\n'),
    ...streams,
    exitCode,
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return collect(Number(process.exitCode ?? 0));
  } catch (failed) {
    if (!(failed instanceof CommanderError)) throw failed;
    return collect(failed.exitCode === 0 ? 0 : 2);
  } finally {
    Object.assign(console, { log, error });
    process.stderr.write = write;
    process.exitCode = 0;
  }
}

/** Traces that a process of a command leaves: its exit code, its standard output, and that with its standard error after it. */
export interface ProcessOutput {
  readonly code: number;
  readonly stdout: string;
  readonly output: string;
}

/** Whether a command runs in this process: its output and environment are those of the process, so a second one needs its own. */
export function isCommandRunning(): boolean {
  return isRunning;
}

let isRunning = false;

/**
 * Runs a command in this process with more variables of the environment, and returns what a process of its own would leave. A
 * process takes seconds of CPU time to start: for tests of signals, terminals, pipes and standard input.
 */
export async function runLikeProcess(
  args: readonly string[],
  env: { readonly [name: string]: string } = {},
): Promise<ProcessOutput> {
  if (isRunning) throw new Error('A command runs in this process already; start this one as a process of its own.');
  isRunning = true;
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    const { stdout, stderr, exitCode } = await runCommand(...args);
    return { code: exitCode, stdout, output: stdout + stderr };
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    isRunning = false;
  }
}

/** Hands what Commander itself prints, such as help, to the caller. */
function redirect(command: Command, writeOut: (text: string) => void, writeErr: (text: string) => void): void {
  command.configureOutput({ writeOut, writeErr });
  for (const child of command.commands) redirect(child, writeOut, writeErr);
}
