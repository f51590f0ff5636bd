import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { runApiCommand } from '../run-command.ts';

interface QueueView {
  readonly overdue: readonly {
    readonly queue: string;
    readonly channel: string | null;
    readonly count: number;
    readonly has_more: boolean;
    readonly oldest_due_at: string;
  }[];
  /** Null: the server is older, and runs no workers. */
  readonly circuits:
    | readonly {
        readonly provider: string;
        readonly account: string | null;
        readonly domain: string | null;
        readonly since: string;
        readonly code: string;
        readonly cause: string;
        readonly next_probe_at: string;
      }[]
    | null;
  /** Absent: the server is older. */
  readonly moves?: readonly {
    readonly channel: string;
    readonly account: string;
    readonly share: number;
    readonly since: string;
    readonly cause: string;
  }[];
}

/** Adds the command `queue`. */
export function addQueueCommand(program: Command): void {
  program
    .command('queue')
    .description('Show overdue work, open circuits and accounts that fail, of a running Tidings (TIDINGS_URL)')
    .option('--json', 'print one line of JSON')
    .action((options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get('/api/v1/queue')) as QueueView;
        return { data, lines: formatQueue(data) };
      }),
    );
}

function formatQueue({ overdue, circuits, moves = [] }: QueueView): string[] {
  return [
    ...overdue.map(
      ({ queue, channel, count, has_more, oldest_due_at }) =>
        `${has_more ? 'at least ' : ''}${formatCount(count, 'item')} overdue in ${channel === null ? queue : `${queue} of ${channel}`}, the oldest since ${oldest_due_at}`,
    ),
    ...(circuits ?? []).map(
      ({ provider, account, domain, since, code, cause, next_probe_at }) =>
        `circuit of ${provider}${account === null ? '' : ` (account ${account})`}${domain === null ? '' : ` to ${domain}`} ${code === 'retry_after' ? 'paused by the provider' : 'open'} since ${since}: ${cause}; next probe ${next_probe_at}`,
    ),
    ...moves.map(
      ({ channel, account, share, since, cause }) =>
        `${account} keeps ${share}% of its messages by ${channel} since ${since}, the others go by other accounts: ${cause}`,
    ),
    ...(overdue.length === 0 ? ['Nothing is overdue.'] : []),
    ...(circuits?.length === 0 ? ['No circuit is open.'] : []),
  ];
}
