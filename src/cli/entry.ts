import { CommanderError } from 'commander';
import { EXIT_USAGE } from './exit-codes.ts';
import { program } from './tidings.ts';

const SIGPIPE = 13;

process.stdout.on('error', onStdoutError);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed it, or the help or version that was asked for.
  const isDeclined = error.code === 'tidings.declined';
  process.exitCode = error.exitCode === 0 || isDeclined ? error.exitCode : EXIT_USAGE;
}

/**
 * Ends the process when the reader of its output is gone, as in `tidings simulate … | head`. This is not a failure: the
 * exit code is that of a program ended by SIGPIPE.
 */
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.stdout.off('error', onStdoutError).on('error', () => {});
  // A serving command listens for SIGTERM, and stops cleanly first.
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
  else process.exit(128 + SIGPIPE);
}
