import type { Command } from 'commander';
import { confirm, YES_OPTION } from '../confirm.ts';
import { runApiCommand } from '../run-command.ts';

interface View {
  readonly notification_type: string | null;
  readonly state: string;
  readonly since: string;
  readonly cause: string;
}

interface Options {
  readonly json?: boolean;
  readonly type?: string;
  readonly yes?: boolean;
}

const PATH = '/api/v1/sending';
const JSON_OPTION = ['--json', 'print one line of JSON'] as const;

/** Adds the commands `sending` and `sending resume`. */
export function addSendingCommands(program: Command): void {
  const sending = program
    .command('sending')
    .description('Emails that bounce or are complained about too often, of a running Tidings (TIDINGS_URL)');
  sending
    .command('show', { isDefault: true })
    .description('Show alerts of the last 24 hours, and pauses')
    .option(...JSON_OPTION)
    .action(({ json }: Options) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(PATH)) as { emails: readonly View[] };
        const lines = data.emails.map(
          (one) => `${one.notification_type ?? '(all types)'}  ${one.state}  since ${one.since}: ${one.cause}`,
        );
        return { data, lines: lines.length === 0 ? ['No email is paused.'] : lines };
      }),
    );
  sending
    .command('resume')
    .description('Send paused emails again; what happened before no longer counts')
    .option('--type <type>', 'of this notification type; without it, those that were paused for all types')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async ({ type, yes, json }: Options) => {
      await confirm(`Send the paused emails of ${type ?? 'all types'} again?`, yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.post(
          `${PATH}/resume`,
          type === undefined ? {} : { notification_type: type },
        )) as object;
        return { data, lines: [`Resumed: ${type ?? 'all types'}`] };
      });
    });
}
