import { type Command, Option } from 'commander';
import { SUPPRESSIBLE_CHANNELS, SUPPRESSION_REASONS } from '../../model/suppression.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { runApiCommand } from '../run-command.ts';

interface View {
  readonly suppression_id: string;
  readonly channel: string;
  readonly address: string | null;
  readonly scope: string;
  readonly reason: string;
  readonly since: string;
  readonly until: string | null;
}

interface Options {
  readonly json?: boolean;
  readonly channel?: string;
  readonly reason?: string;
  readonly scope?: string;
  readonly until?: string;
  readonly note?: string;
  readonly yes?: boolean;
}

const PATH = '/api/v1/suppressions';
const JSON_OPTION = ['--json', 'print one line of JSON'] as const;

/** Adds the commands `suppressions list|add|lift`. */
export function addSuppressionsCommands(program: Command): void {
  const suppressions = program
    .command('suppressions')
    .description('Addresses that get no messages, of a running Tidings (TIDINGS_URL)');
  suppressions
    .command('list')
    .description('List the latest 100, newest first')
    .addOption(new Option('--channel <channel>', 'on this channel').choices(SUPPRESSIBLE_CHANNELS))
    .addOption(new Option('--reason <reason>', 'for this reason').choices(SUPPRESSION_REASONS))
    .option(...JSON_OPTION)
    .action(({ channel, reason, json }: Options) =>
      runApiCommand(json, async (api) => {
        const query = new URLSearchParams({ limit: '100', ...(channel && { channel }), ...(reason && { reason }) });
        const data = (await api.get(`${PATH}?${query}`)) as { suppressions: readonly View[] };
        const lines = data.suppressions.map(format);
        return { data, lines: lines.length === 0 ? ['No address is suppressed.'] : lines };
      }),
    );
  suppressions
    .command('add')
    .description('Send an address no more messages')
    .argument('<channel>', `one of ${SUPPRESSIBLE_CHANNELS.join(', ')}`)
    .argument('<address>', 'as events have it')
    .option('--scope <scope>', 'all, category:CATEGORY or type:NOTIFICATION_TYPE', 'all')
    .option('--until <time>', 'end of the suppression; without it, until it is lifted')
    .option('--note <text>', 'why')
    .option(...JSON_OPTION)
    .action((channel: string, address: string, { scope, until, note, json }: Options) =>
      runApiCommand(json, async (api) => {
        const body = { channel, address, scope, ...(until && { until }), ...(note && { note }) };
        const data = (await api.post(PATH, body)) as View;
        return { data, lines: [format(data)] };
      }),
    );
  suppressions
    .command('lift')
    .description('Send to an address again; the audit log keeps the evidence')
    .argument('<id>', 'of the suppression')
    .option('--note <text>', 'why')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { note, yes, json }: Options) => {
      await confirm(`Lift the suppression ${id}, so that its address gets messages again?`, yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.post(`${PATH}/${encodeURIComponent(id)}/lift`, note ? { note } : {})) as View;
        return { data, lines: [`Lifted: ${format(data)}`] };
      });
    });
}

function format({ suppression_id: id, channel, address, scope, reason, since, until }: View): string {
  const end = until === null ? 'until it is lifted' : `until ${until}`;
  return `${id}  ${channel}  ${address ?? '(hash only)'}  ${scope}  ${reason}  since ${since}, ${end}`;
}
