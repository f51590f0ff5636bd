import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

const PATH = '/api/v1/sources';

interface JsonOption {
  readonly json?: boolean;
}

interface ShownSource {
  readonly name: string;
  readonly topic: string;
  readonly state: string;
  readonly cause: string | null;
  readonly lag: number | null;
  readonly partitions: readonly unknown[];
}

/** Adds the commands `sources list|pause|resume`. */
export function addSourcesCommands(program: Command): void {
  const sources = program
    .command('sources')
    .description(
      'Kafka topics whose messages are events, which sources.yaml defines, of a running Tidings (TIDINGS_URL)',
    );
  sources
    .command('list')
    .description('List the sources of the active catalog, and how far they are read')
    .option(...JSON_OPTION)
    .action(({ json }: JsonOption) => runApiCommand(json, list));
  for (const [verb, description, said] of [
    ['pause', 'Stop reading a topic; its messages wait', 'paused'],
    ['resume', 'Read a paused topic again', 'read again'],
  ] as const) {
    sources
      .command(verb)
      .description(description)
      .argument('<name>', 'a source of the active catalog')
      .option(...JSON_OPTION)
      .action((name: string, { json }: JsonOption) =>
        runApiCommand(json, async (api) => {
          const data = await api.post(`${PATH}/${encodeURIComponent(name)}/${verb}`);
          return { data, lines: [`The source ${name} is ${said}.`] };
        }),
      );
  }
}

async function list(api: ApiClient): Promise<CommandOutput> {
  const data = (await api.get(PATH)) as { readonly sources: readonly ShownSource[] };
  const lines = data.sources.map(({ name, topic, state, cause, lag, partitions }) => {
    const wait = lag === null ? 'not read yet' : `${formatCount(lag, 'message')} waiting`;
    return `${name}  ${topic}  ${state}  ${formatCount(partitions.length, 'partition')}, ${wait}${cause ? `  (${cause})` : ''}`;
  });
  return { data, lines: lines.length > 0 ? lines : ['The active catalog has no sources.'] };
}
