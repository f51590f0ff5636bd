import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { RECIPIENT_STATES } from '../../model/batch.ts';
import { PRIORITIES } from '../../model/delivery.ts';
import type { LineError, UploadResult } from '../../notify/batches/upload.ts';
import type { BatchResult, BatchView } from '../../notify/batches/views.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { readLines } from '../read-lines.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand, toPage, toRejectedLines } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';
import { parseCount } from './run-job.ts';
import { collectVariable, toSchedule, VARIABLE_HELP } from './send-output.ts';

const PATH = '/api/v1/batches';
/** Lines of one request. */
const PART_LINES = 10_000;
/** Pause in ms between two looks at a batch that is watched. */
const WATCH_PAUSE_MS = 500;
/** Errors of lines that are printed. */
const MAX_PRINTED_ERRORS = 20;

interface JsonOption {
  readonly json?: boolean;
}

interface CreateOptions extends JsonOption {
  readonly type: string;
  readonly name?: string;
  readonly var: { readonly [name: string]: unknown };
  readonly channel?: readonly string[];
  readonly perSecond?: number;
  readonly list?: string;
  readonly segment?: string;
  readonly at?: string;
  readonly zone?: string;
  readonly expiresAt?: string;
  readonly priority?: string;
}

/** Adds the commands `batches create|add|estimate|start|rate|pause|resume|cancel|watch|results`. */
export function addBatchesCommands(program: Command): void {
  const batches = program
    .command('batches')
    .description('Send one notification to up to a million recipients, by a running Tidings (TIDINGS_URL)');
  batches
    .command('create')
    .description('Create a batch, which then takes recipients in')
    .requiredOption('--type <type>', 'notification type of the catalog')
    .option('--name <text>', 'a name for the list of batches')
    .option('--var <name=value>', `a variable; ${VARIABLE_HELP}; may be repeated`, collectVariable, {})
    .option('--channel <channel>', 'on this channel only; may be repeated', (one: string, all: string[] = []) => [
      ...all,
      one,
    ])
    .addOption(new Option('--list <id>', 'send to the members of this list').conflicts('segment'))
    .option('--segment <name>', 'send to the users who are in this segment')
    .option('--per-second <n>', 'recipients per second, at most', parseCount)
    .option('--at <time>', 'send at this time (2026-12-01T09:00:00Z), or with --zone at this local time')
    .option('--zone <zone>', 'zone of --at: recipient, or an IANA zone')
    .option('--expires-at <time>', 'what could not be sent by then is not sent')
    .addOption(new Option('--priority <priority>', 'of its deliveries (default: LOW)').choices(PRIORITIES))
    .option(...JSON_OPTION)
    .action((options: CreateOptions) => create(options));
  batches
    .command('add')
    .description('Add the recipients of a file with a line of JSON each; run it again to go on after an error')
    .argument('<id>', 'the batch')
    .argument('<file>', 'lines such as {"user_id":"u1","variables":{"name":"Maria"}}; - reads standard input')
    .option(...JSON_OPTION)
    .action((id: string, file: string, { json }: JsonOption) => runApiCommand(json, (api) => add(api, id, file)));
  batches
    .command('list')
    .description('List batches, newest first')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option(...JSON_OPTION)
    .action(({ limit, json }: JsonOption & { limit: number }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${PATH}?limit=${limit}`)) as { readonly batches: readonly BatchView[] };
        const lines = data.batches.map(formatBatch);
        return { data, lines: lines.length > 0 ? lines : ['No batches found.'] };
      }),
    );
  addCommand(batches, 'start', 'Start a batch');
  addCommand(batches, 'pause', 'Pause a batch: no further message of it begins');
  addCommand(batches, 'resume', 'Go on with a paused batch');
  batches
    .command('cancel')
    .description('Cancel a batch: what has not begun is not sent')
    .argument('<id>', 'the batch')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { json, yes }: JsonOption & { yes?: boolean }) => {
      await confirm(`Cancel the batch ${id}?`, yes);
      await runApiCommand(json, (api) => command(api, id, 'cancel'));
    });
  batches
    .command('watch')
    .description('Show the progress of a batch until each recipient is final')
    .argument('<id>', 'the batch')
    .option(...JSON_OPTION)
    .action((id: string, { json }: JsonOption) => runApiCommand(json, (api) => watch(api, id)));
  batches
    .command('estimate')
    .description('Say what would become of the recipients that are pending')
    .argument('<id>', 'the batch')
    .option(...JSON_OPTION)
    .action((id: string, { json }: JsonOption) => runApiCommand(json, (api) => estimate(api, id)));
  batches
    .command('rate')
    .description('Change how many recipients per second a batch asks for')
    .argument('<id>', 'the batch')
    .argument('<n>', 'recipients per second', parseCount)
    .option(...JSON_OPTION)
    .action((id: string, perSecond: number, { json }: JsonOption) =>
      runApiCommand(json, async (api) => show(await api.patch(pathOf(id), { per_second: perSecond }))),
    );
  batches
    .command('results')
    .description('List what became of each line')
    .argument('<id>', 'the batch')
    .addOption(new Option('--state <state>', 'only in this state').choices(RECIPIENT_STATES))
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--after <cursor>', 'the next page')
    .option(...JSON_OPTION)
    .action((id: string, options: JsonOption & { state?: string; limit: number; after?: string }) =>
      runApiCommand(options.json, (api) => results(api, id, options)),
    );
}

function addCommand(batches: Command, name: 'start' | 'pause' | 'resume', description: string): void {
  batches
    .command(name)
    .description(description)
    .argument('<id>', 'the batch')
    .option(...JSON_OPTION)
    .action((id: string, { json }: JsonOption) => runApiCommand(json, (api) => command(api, id, name)));
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}

function create({
  type,
  name,
  var: variables,
  channel,
  perSecond,
  list: listId,
  segment,
  at,
  zone,
  expiresAt,
  priority,
  json,
}: CreateOptions): Promise<void> {
  const recipients = listId !== undefined ? { list: listId } : segment !== undefined ? { segment } : undefined;
  return runApiCommand(json, async (api) => {
    const body = {
      type,
      ...(name !== undefined && { name }),
      ...(Object.keys(variables).length > 0 && { variables }),
      ...(channel && { channels: channel }),
      ...(perSecond !== undefined && { per_second: perSecond }),
      ...(recipients && { recipients }),
      ...(at !== undefined && { scheduled_at: toSchedule(at, zone) }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
      ...(priority !== undefined && { priority }),
    };
    const data = (await api.post(PATH, body)) as BatchView;
    const next = recipients ? 'start it with tidings batches start' : 'add recipients with tidings batches add';
    return { data, lines: [`Batch ${data.batch_id} is a draft; ${next}.`] };
  });
}

async function command(api: ApiClient, id: string, name: string): Promise<CommandOutput> {
  return show(await api.post(`${pathOf(id)}/${name}`));
}

function show(batch: unknown): CommandOutput {
  return { data: batch, lines: [formatBatch(batch as BatchView)] };
}

/** Sends a file a part at a time. Lines that the batch has already are passed over. */
async function add(api: ApiClient, id: string, file: string): Promise<CommandOutput> {
  const { lines: known } = (await api.get(pathOf(id))) as BatchView;
  const totals = { lines: known, stored: 0, rejected: 0, errors: [] as LineError[] };
  let line = 0;
  let part: string[] = [];
  const flush = async () => {
    if (part.length === 0) return;
    const answer = await api.putLines(`${pathOf(id)}/recipients?offset=${totals.lines}`, part.join(''));
    const summary = answer.at(-1) as UploadResult['summary'];
    totals.lines = summary.offset;
    totals.stored += summary.stored;
    totals.rejected += summary.rejected;
    totals.errors = [...totals.errors, ...(answer.slice(0, -1) as LineError[])].slice(0, MAX_PRINTED_ERRORS);
    part = [];
  };
  for await (const text of readLines(file)) {
    if (line++ < known) continue;
    part.push(`${text}\n`);
    if (part.length < PART_LINES) continue;
    await flush();
    console.error(`${formatCount(totals.lines, 'line')} …`);
  }
  await flush();
  const errors = totals.errors.map(({ line: at, code, message }) => `  line ${at + 1}  ${code}  ${message}`);
  const said = `${formatCount(totals.stored, 'line')} added, ${totals.rejected} of them rejected; the batch has ${totals.lines}.`;
  return { data: totals, lines: [said, ...errors], failure: toRejectedLines(totals.rejected) };
}

async function watch(api: ApiClient, id: string): Promise<CommandOutput> {
  let shown = '';
  for (;;) {
    const batch = (await api.get(pathOf(id))) as BatchView;
    if (batch.ended_at !== null) return show(batch);
    const progress = formatProgress(batch);
    if (progress !== shown) console.error(`${progress} …`);
    shown = progress;
    await sleep(WATCH_PAUSE_MS);
  }
}

async function estimate(api: ApiClient, id: string): Promise<CommandOutput> {
  const data = (await api.get(`${pathOf(id)}/estimate`)) as {
    readonly pending: number;
    readonly sampled: number;
    readonly exact: boolean;
    readonly reach: number;
    readonly unreachable: { readonly [code: string]: number };
    readonly dropped: { readonly [code: string]: number };
    readonly rejected: { readonly [code: string]: number };
    readonly costs: readonly {
      readonly channel: string;
      readonly messages: number;
      readonly parts: number | null;
      readonly amount: number | null;
      readonly currency: string | null;
    }[];
  };
  const about = data.exact ? '' : `about, by a sample of ${data.sampled}: `;
  const codes = [data.unreachable, data.dropped, data.rejected].flatMap((counts) => Object.entries(counts));
  const lines = codes.map(([code, count]) => `${String(count).padStart(8)}  ${code}`);
  const costs = data.costs.map(({ channel, messages, parts, amount, currency }) => {
    const size = parts === null ? '' : ` in ${formatCount(parts, 'part')}`;
    return `${channel}: ${formatCount(messages, 'message')}${size}, ${amount === null ? 'cost unknown' : `about ${amount} ${currency}`}`;
  });
  return { data, lines: [`${about}${data.reach} of ${data.pending} would get a message.`, ...lines, ...costs] };
}

async function results(
  api: ApiClient,
  id: string,
  { state, limit, after }: { state?: string; limit: number; after?: string },
): Promise<CommandOutput> {
  const query = new URLSearchParams({ limit: `${limit}`, ...(state && { state }), ...(after && { after }) });
  const data = (await api.get(`${pathOf(id)}/results?${query}`)) as {
    readonly results: readonly BatchResult[];
    readonly next: string | null;
  };
  const lines = data.results.map(formatResult);
  return toPage(data, lines, 'No lines found.');
}

function formatResult({ line, recipient, state, code, reason }: BatchResult): string {
  const who = recipient?.user_id ?? recipient?.email ?? recipient?.phone ?? '–';
  const why = code === null ? '' : `  ${code}${reason === null ? '' : `: ${reason}`}`;
  return `${String(line + 1).padStart(7)}  ${state.padEnd(9)}  ${who}${why}`;
}

function formatBatch(batch: BatchView): string {
  const name = batch.name === null ? '' : `  "${batch.name}"`;
  return `${batch.batch_id}  ${batch.type}${name}  ${formatProgress(batch)}`;
}

/** Formats the progress: `running: 500 of 1000 final (480 sent, 20 dropped), 100 accepted`. */
function formatProgress({ state, lines, counts, eta, reason }: BatchView): string {
  const { pending, accepted, held, scheduled, ...final } = counts;
  const open = { pending, accepted, held, scheduled };
  const left = Object.values(open).reduce((sum, count) => sum + count, 0);
  const done = list(final);
  const parts = [`${state}: ${lines - left} of ${lines} final${done === '' ? '' : ` (${done})`}`, list(open)];
  return [...parts, eta === null ? '' : `done about ${eta}`, reason ?? ''].filter(Boolean).join(', ');
}

function list(counts: { readonly [state: string]: number }): string {
  return Object.entries(counts)
    .flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
    .join(', ');
}
