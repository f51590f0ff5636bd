import { type Command, Option } from 'commander';
import { CHANNELS } from '../../model/delivery.ts';
import { RETRYABLE_STATUSES } from '../../model/job.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { runApiCommand } from '../run-command.ts';
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

/** Adds the commands `deliveries retry|cancel`, of one delivery or of many. */
export function addDeliveriesCommands(program: Command): void {
  const deliveries = program
    .command('deliveries')
    .description('Retry or cancel deliveries of a running Tidings (TIDINGS_URL)');
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
