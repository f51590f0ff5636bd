import type { Command } from 'commander';
import { repeatAll } from '../../lib/repeat-all.ts';
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
  for (const [verb, description, say] of [
    ['pause', 'Stop writing a topic; its messages wait', 'is paused'],
    ['resume', 'Write a paused topic again', 'is written again'],
  ] as const) {
    sinks
      .command(verb)
      .description(description)
      .argument('<name>', 'a sink of the active catalog, or a topic for dead letters')
      .option(...JSON_OPTION)
      .action((name: string, { json }: JsonOption) =>
        runApiCommand(json, async (api) => {
          const data = await api.post(`${PATH}/${encodeURIComponent(name)}/${verb}`);
          return { data, lines: [`The sink ${name} ${say}.`] };
        }),
      );
  }
  for (const [verb, description, say] of [
    ['retry', 'Send messages that were set aside once more, up to 1000', 'tries'],
    [
      'discard',
      'Delete messages that were set aside, up to 1000; of a topic that the catalog no longer writes, also those that wait',
      'lost',
    ],
  ] as const) {
    sinks
      .command(verb)
      .description(description)
      .argument('<name>', 'a sink of the active catalog, or a topic for dead letters')
      .option('--all', 'all of them, however many there are')
      .option(...JSON_OPTION)
      .action((name: string, { all = false, json }: ReleaseOptions) =>
        runApiCommand(json, async (api) => {
          const release = (until?: string) =>
            api.post(`${PATH}/${encodeURIComponent(name)}/parked/${verb}`, {
              parked_until: until,
            }) as Promise<Released>;
          const data = all ? await releaseAll(name, release) : await release();
          const { messages, remaining } = data;
          const done = `The sink ${name} ${say} ${formatCount(messages, 'message')}${verb === 'retry' ? ' again' : ''}.`;
          const left = `${remaining < MAX_REMAINING ? '' : 'at least '}${formatCount(remaining, 'message')}`;
          return {
            data,
            lines: [done, ...(remaining > 0 ? [`Left: ${left}; repeat the command, or write --all.`] : [])],
          };
        }),
      );
  }
}

interface ReleaseOptions extends JsonOption {
  readonly all?: boolean;
}

interface Released {
  readonly name: string;
  readonly messages: number;
  readonly has_more: boolean;
  readonly remaining: number;
  readonly parked_until: string | null;
}

/** Messages that are left, as far as an answer counts them. */
const MAX_REMAINING = 10_000;

/** Repeats a request for all messages that were set aside at the first one. */
async function releaseAll(
  name: string,
  release: (until?: string) => Promise<Released>,
): Promise<Pick<Released, 'name' | 'messages' | 'remaining'>> {
  const messages = await repeatAll(async (until) => {
    const part = await release(until);
    return { ...part, count: part.messages, until: part.parked_until };
  });
  return { name, messages, remaining: 0 };
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
