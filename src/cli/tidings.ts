import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ROOT } from '../lib/package-root.ts';
import { applyCommand } from './apply.ts';
import { backtestCommand } from './backtest.ts';
import { catalogCommands } from './catalog.ts';
import { checkCommand } from './check.ts';
import { explainCommand } from './explain.ts';
import { serveCommand } from './serve.ts';
import { simulateCommand } from './simulate.ts';
import { testCommand } from './test.ts';
import { waitsCommands } from './waits.ts';

const SIGPIPE = 13;
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

const program = new Command('tidings')
  .description('Event-driven notifications that can say why, and why not.')
  .version(version)
  .showHelpAfterError()
  .showSuggestionAfterError();

serveCommand(program, 'start', 'Run everything: the API, the workers, and a PostgreSQL if none is configured', {
  api: true,
  workers: true,
});
serveCommand(program, 'api', 'Run the API only', { api: true, workers: false });
serveCommand(program, 'workers', 'Run the delivery workers only', { api: false, workers: true });
checkCommand(program);
testCommand(program);
simulateCommand(program);
backtestCommand(program);
applyCommand(program);
catalogCommands(program);
waitsCommands(program);
explainCommand(program);

process.stdout.on('error', onStdoutError);
await program.parseAsync();

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
