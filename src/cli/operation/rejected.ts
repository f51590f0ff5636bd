import { type Command, InvalidArgumentError } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import type { RejectedEvent } from '../../store/rejected.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseJsonObject, parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import { addJobOptions, type JobOptions, requireFilter, runJobCommand } from './run-job.ts';

interface RejectedOptions extends JobOptions {
  readonly source?: string;
  readonly code?: string;
  readonly path?: string;
  readonly type?: string;
  readonly user?: string;
  readonly since?: string;
  readonly until?: string;
  readonly event?: object;
  readonly patch?: object;
  readonly compute?: Readonly<Record<string, string>>;
  readonly reason?: string;
}

interface Groups {
  readonly count: number;
  readonly at_least: boolean;
  readonly groups: readonly {
    readonly event_type: string | null;
    readonly code: string;
    readonly path: string;
    readonly message: string;
    readonly sources: readonly string[];
    readonly last_at: string;
    readonly count: number;
  }[];
}

interface RejectedList {
  readonly rejected: readonly RejectedEvent[];
  readonly next: string | null;
}

/** Adds the commands `rejected list|groups`, and `rejected retry|correct|dismiss`, of one rejected event or of many. */
export function addRejectedCommands(program: Command): void {
  const rejected = program
    .command('rejected')
    .description('List, retry, correct or dismiss rejected events of a running Tidings (TIDINGS_URL)');
  rejected
    .command('list')
    .description('List rejected events, the one rejected last first')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--source <name>', 'only those that this source of sources.yaml brought')
    .option('--json', 'print one line of JSON')
    .action(({ limit, source, json }: { limit: number; source?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(
          `/api/v1/events/rejected?limit=${limit}${source === undefined ? '' : `&source=${encodeURIComponent(source)}`}`,
        )) as RejectedList;
        return { data, lines: formatList(data) };
      }),
    );
  rejected
    .command('groups')
    .description('Count rejected events by event type, code and path, with the sources that brought them')
    .option('--source <name>', 'only those that this source of sources.yaml brought')
    .option('--json', 'print one line of JSON')
    .action(({ source, json }: { source?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const query = source === undefined ? '' : `?source=${encodeURIComponent(source)}`;
        const data = (await api.get(`/api/v1/events/rejected/groups${query}`)) as Groups;
        return { data, lines: formatGroups(data) };
      }),
    );
  const retry = addFilters(rejected.command('retry')).description('Ingest them again as they were, after a fix');
  retry.action((id: string | undefined, options: RejectedOptions) => {
    return id === undefined ? runMany(retry, 'retry', options) : runOne(id, 'retry', options);
  });
  const correct = addFilters(rejected.command('correct'))
    .description('Ingest them again, corrected')
    .option('--patch <json>', 'the correction: a JSON merge patch (RFC 7396)', parseJsonObject)
    .option(
      '--compute <path=expression>',
      'a field whose value an expression (CEL) gives, as properties.amount=double(event.amount); may be repeated',
      parseComputed,
    )
    .option('--event <json>', 'the whole corrected event instead of a patch, for one', parseJsonObject);
  correct.action((id: string | undefined, options: RejectedOptions) => {
    const isPatched = options.patch !== undefined || options.compute !== undefined;
    if (id === undefined && !isPatched) correct.error('error: name the correction with --patch or --compute');
    if (!isPatched && !options.event) correct.error('error: name the correction with --patch, --compute or --event');
    if (id === undefined) return runMany(correct, 'retry', options);
    return runOne(id, isPatched ? 'correct' : 'retry', options);
  });
  const dismiss = addFilters(rejected.command('dismiss')).description('Delete them without ingesting them');
  dismiss.option('--reason <text>', 'why, for the audit log; of many: their --name');
  dismiss.option(...YES_OPTION).action(async (id: string | undefined, options: RejectedOptions) => {
    if (id !== undefined) await confirm(`Delete the rejected event ${id}?`, options.yes);
    return id === undefined ? runMany(dismiss, 'dismiss', options) : runOne(id, 'dismiss', options);
  });
}

function addFilters(command: Command): Command {
  return addJobOptions(
    command
      .argument('[id]', 'one rejected event; without it, all that match')
      .option('--source <name>', 'brought by this source of sources.yaml')
      .option('--code <code>', 'rejected with this code')
      .option('--path <path>', 'for this field')
      .option('--type <name>', 'of this event type')
      .option('--user <id>', 'of this user_id')
      .option('--since <time>', 'last rejected at or after this time')
      .option('--until <time>', 'last rejected before this time'),
  );
}

async function runMany(command: Command, what: 'retry' | 'dismiss', options: RejectedOptions): Promise<void> {
  const { source, code, path, type, user, since, until, patch, compute } = options;
  const filter = { source, code, path, event_type: type, user_id: user, since, until };
  requireFilter(command, options, filter);
  if (what === 'dismiss' && !options.preview) await confirm('Delete all rejected events that match?', options.yes);
  return runJobCommand(named(options), { action: `rejected.${what}`, filter, patch, compute });
}

/** Why many events are dismissed is the name of the job. */
function named(options: RejectedOptions): RejectedOptions {
  return options.reason === undefined ? options : { name: options.reason, ...options };
}

function parseComputed(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as properties.amount=double(event.amount).');
  return { ...before, [text.slice(0, at).trim()]: text.slice(at + 1).trim() };
}

function runOne(id: string, what: 'retry' | 'correct' | 'dismiss', options: RejectedOptions): Promise<void> {
  return runApiCommand(options.json, async (api) => {
    const { patch, compute, reason, event } = options;
    const body =
      what === 'correct'
        ? { patch, compute }
        : what === 'dismiss'
          ? reason === undefined
            ? undefined
            : { reason }
          : event;
    const data = await api.post(`/api/v1/events/rejected/${encodeURIComponent(id)}/${what}`, body);
    return { data, lines: [what === 'dismiss' ? 'The event is dismissed.' : 'The event is accepted.'] };
  });
}

function formatGroups({ count, at_least, groups }: Groups): string[] {
  if (count === 0) return ['No events are rejected.'];
  const lines = groups.map(
    (one) =>
      `${String(one.count).padStart(8)}  ${one.last_at}  ${one.event_type ?? '-'}  ${one.code}  ${one.path || '-'}  ${one.sources.join(', ') || '-'}  ${one.message}`,
  );
  return [`${at_least ? 'At least ' : ''}${formatCount(count, 'rejected event')}:`, ...lines];
}

function formatList({ rejected, next }: RejectedList): string[] {
  const lines = rejected.map(({ rejected_id, event_id, code, path, message, times, last_at }) => {
    const where = path === '' ? '' : `${path}: `;
    const repeats = times > 1 ? `  (${formatCount(times, 'time')})` : '';
    return `${last_at}  ${rejected_id}  ${event_id ?? '-'}  ${code}  ${where}${message}${repeats}`;
  });
  if (next !== null) lines.push('… and more; see --limit');
  return lines.length > 0 ? lines : ['No events are rejected.'];
}
