import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

const PATH = '/api/v1/sinks';
/** Messages that were set aside, in one answer. */
const MAX_LISTED = 1000;

interface JsonOption {
  readonly json?: boolean;
}

interface ShownSink {
  readonly name: string;
  readonly topic: string;
  readonly state: string;
  readonly cause: string | null;
  readonly problem: { readonly code: string } | null;
  readonly paused_at: string | null;
  readonly waiting: number;
  readonly oldest_at: string | null;
  readonly parked: number;
}

interface ShownParked {
  readonly message_id: string;
  readonly type: string;
  readonly event_id: string;
  readonly bytes: number;
  readonly code: string;
}

/** Adds the commands `sinks list|pause|resume|parked|retry|discard`. */
export function addSinksCommands(program: Command): void {
  const sinks = program
    .command('sinks')
    .description('Kafka topics that Tidings writes, which sinks.yaml defines, of a running Tidings (TIDINGS_URL)');
  sinks
    .command('list')
    .description('List the topics that the active catalog writes, and what waits for each')
    .option(...JSON_OPTION)
    .action(({ json }: JsonOption) => runApiCommand(json, list));
  sinks
    .command('parked')
    .description('List messages that were set aside, because the brokers do not take them')
    .argument('<name>', 'a sink of the active catalog, or a topic for dead letters')
    .option(...JSON_OPTION)
    .action((name: string, { json }: JsonOption) => runApiCommand(json, (api) => listParked(api, name)));
  for (const [verb, description, path, say] of [
    ['pause', 'Stop writing a topic; its messages wait', 'pause', () => 'is paused'],
    ['resume', 'Write a paused topic again', 'resume', () => 'is written again'],
    [
      'retry',
      'Send messages that were set aside once more',
      'parked/retry',
      (n: number) => `tries ${messages(n)} again`,
    ],
    [
      'discard',
      'Delete messages that were set aside; of a topic that the catalog no longer writes, also those that wait',
      'parked/discard',
      (n: number) => `lost ${messages(n)}`,
    ],
  ] as const) {
    sinks
      .command(verb)
      .description(description)
      .argument('<name>', 'a sink of the active catalog, or a topic for dead letters')
      .option(...JSON_OPTION)
      .action((name: string, { json }: JsonOption) =>
        runApiCommand(json, async (api) => {
          const data = (await api.post(`${PATH}/${encodeURIComponent(name)}/${path}`)) as {
            readonly messages?: number;
            readonly has_more?: boolean;
          };
          const more = data.has_more ? ['More are left: repeat the command.'] : [];
          return { data, lines: [`The sink ${name} ${say(data.messages ?? 0)}.`, ...more] };
        }),
      );
  }
}

function messages(count: number): string {
  return formatCount(count, 'message');
}

async function list(api: ApiClient): Promise<CommandOutput> {
  const data = (await api.get(PATH)) as { readonly sinks: readonly ShownSink[] };
  const lines = data.sinks.map(({ name, topic, state, cause, problem, paused_at, waiting, oldest_at, parked }) => {
    // One that is full may be paused as well.
    const states = paused_at === null || state === 'paused' ? state : `${state}, paused`;
    const since = oldest_at === null ? '' : ` since ${oldest_at}`;
    const aside = parked === 0 ? '' : `, ${formatCount(parked, 'message')} set aside`;
    const why = cause ?? problem?.code;
    return `${name}  ${topic}  ${states}  ${formatCount(waiting, 'message')} waiting${since}${aside}${why ? `  (${why})` : ''}`;
  });
  return { data, lines: lines.length > 0 ? lines : ['The active catalog writes no topics.'] };
}

async function listParked(api: ApiClient, name: string): Promise<CommandOutput> {
  const data = (await api.get(`${PATH}/${encodeURIComponent(name)}/parked`)) as {
    readonly messages: readonly ShownParked[];
  };
  const lines = data.messages.map(
    ({ message_id, type, event_id, bytes, code }) => `${message_id}  ${code}  ${type} ${event_id}  ${bytes} bytes`,
  );
  if (lines.length === MAX_LISTED) lines.push(`… and maybe more: the first ${MAX_LISTED} are listed`);
  return { data, lines: lines.length > 0 ? lines : ['No message of this topic was set aside.'] };
}
