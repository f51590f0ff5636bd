import { type Command, Option } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { CHANNELS, DELIVERY_STATUSES } from '../../model/delivery.ts';
import { DELIVERY_HOLD_CODES } from '../../model/hold-codes.ts';
import { RETRYABLE_STATUSES } from '../../model/job.ts';
import { RECEIPT_STATES } from '../../model/receipt.ts';
import type { DeliveryView, MessageView } from '../../store/deliveries/delivery-views.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import { formatHold } from './format-hold.ts';
import { addJobOptions, type JobOptions, requireFilter, runJobCommand } from './run-job.ts';

interface DeliveryOptions extends JobOptions {
  readonly status?: readonly string[];
  readonly channel?: string;
  readonly type?: string;
  readonly user?: string;
  readonly reason?: string;
  readonly provider?: string;
  readonly since?: string;
  readonly until?: string;
}

interface DeliveryList {
  readonly deliveries: readonly DeliveryView[];
  readonly next: string | null;
}

interface DeliveryCounts {
  readonly total: number;
  readonly at_least: boolean;
  readonly since: string | null;
  readonly counts: { readonly [field: string]: readonly { readonly value: string; readonly count: number }[] };
}

interface ListOptions extends Omit<DeliveryOptions, 'status' | 'user'> {
  readonly status?: string;
  readonly receipt?: string;
  readonly held?: string;
  readonly count?: true;
  readonly limit: number;
}

/** Adds the commands `deliveries list|message`, and `deliveries retry|cancel` of one delivery or of many. */
export function addDeliveriesCommands(program: Command): void {
  const deliveries = program
    .command('deliveries')
    .description('List, retry or cancel deliveries of a running Tidings (TIDINGS_URL)');
  deliveries
    .command('list')
    .description('List deliveries, newest first, by a filter')
    .addOption(
      new Option('--status <status>', 'only with this status; dead: the dead letters').choices(DELIVERY_STATUSES),
    )
    .addOption(new Option('--channel <channel>', 'on this channel').choices(CHANNELS))
    .option('--type <name>', 'of this notification type')
    .option('--reason <code>', 'with this reason code')
    .option('--provider <name>', 'last tried with this provider')
    .addOption(new Option('--receipt <state>', 'of which receipts say this').choices(RECEIPT_STATES))
    .addOption(new Option('--held <code>', 'that wait in the queue for this, at present').choices(DELIVERY_HOLD_CODES))
    .option('--since <time>', 'created at or after this time')
    .option('--until <time>', 'created before this time')
    .option('--count', 'instead count them by status, type, channel, provider, reason, receipt and hold')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action((options: ListOptions) =>
      runApiCommand(options.json, async (api) => {
        const query = new URLSearchParams(toQuery(options));
        if (options.count) {
          const data = (await api.get(`/api/v1/deliveries/counts?${query}`)) as DeliveryCounts;
          return { data, lines: formatCounts(data) };
        }
        query.set('limit', `${options.limit}`);
        const data = (await api.get(`/api/v1/deliveries?${query}`)) as DeliveryList;
        return { data, lines: formatList(data) };
      }),
    );
  deliveries
    .command('message')
    .description('Show the message of a delivery, with addresses masked')
    .argument('<id>', 'its id; see `tidings deliveries list`')
    .option('--json', 'print one line of JSON')
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`/api/v1/deliveries/${encodeURIComponent(id)}/message`)) as MessageView;
        return { data, lines: formatMessage(data) };
      }),
    );
  const retry = addFilters(deliveries.command('retry'))
    .description('Queue deliveries again that ended without being sent: one, or all that match as a job')
    .addOption(
      new Option('--status <status...>', 'with these statuses (default: undeliverable and dead)').choices(
        RETRYABLE_STATUSES,
      ),
    );
  retry.action((id: string | undefined, options: DeliveryOptions) => run(retry, 'retry', id, options));
  const cancel = addFilters(deliveries.command('cancel')).description(
    'Cancel queued deliveries: one, or all that match as a job',
  );
  cancel
    .option(...YES_OPTION)
    .action((id: string | undefined, options: DeliveryOptions) => run(cancel, 'cancel', id, options));
}

function addFilters(command: Command): Command {
  return addJobOptions(
    command
      .argument('[id]', 'one delivery; without it, all that match')
      .addOption(new Option('--channel <channel>', 'on this channel').choices(CHANNELS))
      .option('--type <name>', 'of this notification type')
      .option('--user <id>', 'of this user_id')
      .option('--reason <code>', 'with this reason code')
      .option('--provider <name>', 'last tried with this provider')
      .option('--since <time>', 'created at or after this time')
      .option('--until <time>', 'created before this time'),
  );
}

async function run(
  command: Command,
  what: 'retry' | 'cancel',
  id: string | undefined,
  options: DeliveryOptions,
): Promise<void> {
  if (id !== undefined) {
    if (what === 'cancel') await confirm(`Cancel the delivery ${id}, so that it is never sent?`, options.yes);
    return runApiCommand(options.json, async (api) => {
      const data = (await api.post(`/api/v1/deliveries/${encodeURIComponent(id)}/${what}`)) as { status: string };
      return { data, lines: [`The delivery is ${data.status}.`] };
    });
  }
  const filter = {
    status: options.status,
    channel: options.channel,
    notification_type: options.type,
    user_id: options.user,
    reason_code: options.reason,
    provider: options.provider,
    since: options.since,
    until: options.until,
  };
  requireFilter(command, options, filter);
  if (what === 'cancel' && !options.preview) {
    await confirm('Cancel all queued deliveries that match, so that they are never sent?', options.yes);
  }
  return runJobCommand(options, { action: `deliveries.${what}`, filter });
}

/** Returns the filter of a list as the parameters of its query. */
function toQuery(options: ListOptions): Record<string, string> {
  const { status, channel, type, reason, provider, receipt, held, since, until } = options;
  const filter = {
    ...{ status, channel, provider, since, until },
    ...{ notification_type: type, reason_code: reason, receipt_state: receipt, hold_code: held },
  };
  return Object.fromEntries(Object.entries(filter).filter((one): one is [string, string] => one[1] !== undefined));
}

function formatCounts({ total, at_least: isAtLeast, since, counts }: DeliveryCounts): string[] {
  const head = `${isAtLeast ? 'At least ' : ''}${formatCount(total, 'delivery', 'deliveries')}${since === null ? '' : `; counted back to ${since}`}`;
  const fields = Object.entries(counts).flatMap(([field, values]) =>
    values.map(({ value, count }) => `${String(count).padStart(8)}  ${field}  ${value}`),
  );
  return [head, ...fields];
}

function formatList({ deliveries, next }: DeliveryList): string[] {
  const lines = deliveries.map(
    ({
      created_at,
      status,
      channel,
      notification_type,
      user_id,
      attempts_made,
      reason,
      hold_code,
      due_at,
      delivery_id,
    }) =>
      `${created_at}  ${status.padEnd(13)}  ${channel.padEnd(8)}  ${notification_type}  ${user_id}  ${formatCount(attempts_made, 'attempt')}  ${delivery_id}${formatHold({ hold_code, due_at })}${reason === null ? '' : `  ${reason}`}`,
  );
  if (next !== null && lines.length > 0) lines.push('… and more; see --limit');
  if (lines.length > 0) return lines;
  return [next === null ? 'No deliveries found.' : 'None of the latest deliveries match; narrow the time by --until.'];
}

function formatMessage({ to, subject, text }: MessageView): string[] {
  const head = [to === null ? '' : `To: ${to}`, subject === undefined ? '' : `Subject: ${subject}`].filter(Boolean);
  return [...head, ...(head.length > 0 ? [''] : []), ...text.split('\n')];
}
