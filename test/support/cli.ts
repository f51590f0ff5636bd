import { Command } from 'commander';
import { addApplyCommand } from '../../src/cli/catalog/apply.ts';
import { addCatalogCommands } from '../../src/cli/catalog/catalog.ts';
import { addCheckCommand } from '../../src/cli/catalog/check.ts';
import { addSimulateCommand } from '../../src/cli/catalog/simulate.ts';
import { addTestCommand } from '../../src/cli/catalog/test.ts';
import { addDeliveriesCommands } from '../../src/cli/operation/deliveries.ts';
import { addExplainCommand } from '../../src/cli/operation/explain.ts';
import { addJobsCommands } from '../../src/cli/operation/jobs.ts';
import { addQueueCommand } from '../../src/cli/operation/queue.ts';
import { addRejectedCommands } from '../../src/cli/operation/rejected.ts';
import { addWaitsCommands } from '../../src/cli/operation/waits.ts';

export interface CommandOutput {
  /** All that was printed, to standard output and standard error, in order. */
  readonly text: string;
  readonly errors: string;
  readonly exitCode: number;
}

/** Runs a command of the command line in this process. Commands that call the API use TIDINGS_URL. */
export async function runCommand(...args: string[]): Promise<CommandOutput> {
  const program = new Command();
  for (const add of [
    addCheckCommand,
    addTestCommand,
    addSimulateCommand,
    addApplyCommand,
    addCatalogCommands,
    addWaitsCommands,
    addQueueCommand,
    addDeliveriesCommands,
    addRejectedCommands,
    addJobsCommands,
    addExplainCommand,
  ]) {
    add(program);
  }
  const printed: string[] = [];
  const errors: string[] = [];
  const { log, error } = console;
  console.log = (text: string) => void printed.push(text);
  console.error = (text: string) => {
    printed.push(text);
    errors.push(text);
  };
  try {
    await program.parseAsync(args, { from: 'user' });
    return { text: printed.join('\n'), errors: errors.join('\n'), exitCode: Number(process.exitCode ?? 0) };
  } finally {
    Object.assign(console, { log, error });
    process.exitCode = 0;
  }
}
