import { type Command, Option } from 'commander';
import { FAULTS } from '../../model/delivery.ts';
import type { DeliveryView } from '../../store/deliveries/delivery-views.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import { addJobOptions, type JobOptions, runJobCommand } from './run-job.ts';

interface GroupView {
  readonly group: string;
  readonly fault: string;
  readonly channel: string;
  readonly provider: string | null;
  readonly reason_code: string;
  readonly code: string | null;
  readonly meaning: string | null;
  readonly advice: string;
  readonly count: number;
  readonly at_least: boolean;
  readonly first_at: string;
  readonly last_at: string;
}

interface GroupJobOptions extends Omit<JobOptions, 'all'> {
  readonly since?: string;
  readonly until?: string;
}

/** Adds the commands `dead-letters list|show|retry|cancel|suppress`. */
export function addDeadLettersCommands(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('Deliveries that failed, by reason, of a running Tidings (TIDINGS_URL)');
  letters
    .command('list')
    .description('List the groups: what failed for the same reason, whose fault it is, and what to do')
    .addOption(new Option('--fault <fault>', 'only those whose fault it is').choices(FAULTS))
    .option('--limit <n>', 'the most groups to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action(({ fault, limit, json }: { fault?: string; limit: number; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const query = new URLSearchParams({ limit: `${limit}`, ...(fault && { fault }) });
        const data = (await api.get(`/api/v1/dead-letters?${query}`)) as {
          readonly groups: readonly GroupView[];
          readonly next: string | null;
        };
        const lines = data.groups.toSorted((a, b) => b.count - a.count).flatMap(formatGroup);
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines: lines.length > 0 ? lines : ['There are no dead letters.'] };
      }),
    );
  letters
    .command('show')
    .description('List the dead letters of a group, the latest first')
    .argument('<group>', 'its id; see `tidings dead-letters list`')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 20)
    .option('--json', 'print one line of JSON')
    .action((group: string, { limit, json }: { limit: number; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const path = `/api/v1/dead-letters/${encodeURIComponent(group)}?limit=${limit}`;
        const data = (await api.get(path)) as {
          readonly group: GroupView;
          readonly deliveries: readonly DeliveryView[];
          readonly next: string | null;
        };
        const lines = [...formatGroup(data.group), ...data.deliveries.map(formatLetter)];
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines };
      }),
    );
  addGroupJob(letters.command('retry'))
    .description('Queue the dead letters of a group again, as a job')
    .action((group: string, { since, until, ...options }: GroupJobOptions) =>
      runJobCommand(options, { action: 'dead_letters.retry', filter: { group, since, until } }),
    );
  addGroupJob(letters.command('cancel'))
    .description('Cancel the dead letters of a group for good, as a job')
    .option(...YES_OPTION)
    .action(async (group: string, { since, until, ...options }: GroupJobOptions) => {
      if (!options.preview)
        await confirm(`Cancel the dead letters of ${group}, so that they are never sent?`, options.yes);
      return runJobCommand(options, { action: 'dead_letters.cancel', filter: { group, since, until } });
    });
  addGroupJob(letters.command('suppress'))
    .description('Suppress the addresses to which the dead letters of a group went, as a job')
    .option(...YES_OPTION)
    .action(async (group: string, { since, until, ...options }: GroupJobOptions) => {
      if (!options.preview)
        await confirm(`Send nothing more to the addresses of ${group}, until that is lifted?`, options.yes);
      return runJobCommand(options, { action: 'dead_letters.suppress', filter: { group, since, until } });
    });
}

function addGroupJob(command: Command): Command {
  return addJobOptions(command.argument('<group>', 'its id; see `tidings dead-letters list`'), { isForAll: false })
    .option('--since <time>', 'failed at or after this time')
    .option('--until <time>', 'failed before this time');
}

function formatGroup(one: GroupView): string[] {
  const { group, fault, channel, provider, reason_code, code, meaning, advice, count, at_least } = one;
  const what = [channel, provider, reason_code, code].filter((part) => part !== null).join('  ');
  return [
    `${at_least ? 'more than ' : ''}${count}  ${what}  fault: ${fault}  ${one.first_at} to ${one.last_at}`,
    `    ${group}`,
    ...(meaning === null ? [] : [`    ${meaning}`]),
    `    ${advice}`,
  ];
}

function formatLetter({ delivery_id, finished_at, status, notification_type, user_id, reason }: DeliveryView): string {
  return `${finished_at}  ${status.padEnd(13)}  ${notification_type}  ${user_id}  ${delivery_id}${reason === null ? '' : `  ${reason}`}`;
}
