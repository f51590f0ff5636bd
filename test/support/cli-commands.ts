import type { Command } from 'commander';
import { program } from '../../src/cli/tidings.ts';

export interface CliCommand {
  /** Words after `tidings`: `deliveries cancel`. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly string[];
  readonly help: string;
}

/** Every command of the program that does something, without the groups. */
export function listCommands(): CliCommand[] {
  return visit(program, []);
}

function visit(command: Command, path: readonly string[]): CliCommand[] {
  const children = command.commands.filter((child) => child.name() !== 'help');
  if (children.length > 0) return children.flatMap((child) => visit(child, [...path, child.name()]));
  return [
    {
      path: path.join(' '),
      description: command.description(),
      options: command.options.map(({ long }) => long ?? ''),
      help: command.helpInformation(),
    },
  ];
}
