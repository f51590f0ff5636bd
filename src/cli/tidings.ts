import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ROOT } from '../lib/package-root.ts';
import { backtestCommand } from './backtest.ts';
import { catalogCommands, explainCommand } from './catalog.ts';
import { checkCommand } from './check.ts';
import { serveCommand } from './serve.ts';
import { simulateCommand } from './simulate.ts';
import { testCommand } from './test.ts';
import { waitsCommands } from './waits.ts';

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
catalogCommands(program);
waitsCommands(program);
explainCommand(program);

process.stdout.on('error', whenUnread);
await program.parseAsync();

/** Nobody reads any further (`tidings simulate … | head`): that ends a command as it does any other, and is no error. */
function whenUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.stdout.off('error', whenUnread).on('error', () => {});
  // What serves has something to bring to its end first.
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
  else process.exit(141);
}
