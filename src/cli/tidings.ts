import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { backtestCommand } from './backtest.ts';
import { catalogCommands, explainCommand } from './catalog.ts';
import { checkCommand } from './check.ts';
import { serveCommand } from './serve.ts';
import { simulateCommand } from './simulate.ts';
import { testCommand } from './test.ts';
import { waitsCommands } from './waits.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

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

await program.parseAsync();
