import type { Command } from 'commander';
import { confirm, YES_OPTION } from '../confirm.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

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

interface Opening {
  readonly opened_at: string;
  readonly closed_at: string | null;
  readonly cause: string;
}

interface SendingView {
  readonly emails: readonly View[];
  readonly counts: readonly {
    readonly notification_type: string | null;
    readonly ended: number;
    readonly bounced: number;
    readonly complained: number;
  }[];
  readonly accounts: readonly {
    readonly account: string;
    readonly provider: string;
    readonly enabled: boolean;
    readonly failover_to: string | null;
    readonly openings: readonly Opening[];
    readonly circuit: { readonly since: string; readonly cause: string } | null;
    readonly limits: readonly { readonly period: string; readonly allowed: number; readonly free: number }[];
  }[];
  readonly installation: readonly {
    readonly provider: string;
    readonly channel: string;
    readonly openings: readonly Opening[];
    readonly circuit: { readonly since: string; readonly cause: string } | null;
  }[];
}

const PATH = '/api/v1/sending';
/** Past openings of the circuit of each account, at most. */
const MAX_SHOWN_OPENINGS = 3;

/** Adds the commands `sending` and `sending resume`. */
export function addSendingCommands(program: Command): void {
  const sending = program
    .command('sending')
    .description('State of the accounts, and emails that bounce too often, of a running Tidings (TIDINGS_URL)');
  sending
    .command('show', { isDefault: true })
    .description('Show the accounts with their circuits and limits, alerts of the last 24 hours, and pauses')
    .option(...JSON_OPTION)
    .action(({ json }: Options) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(PATH)) as SendingView;
        return { data, lines: formatSending(data) };
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

function formatSending({ emails, counts, accounts, installation }: SendingView): string[] {
  const standings = emails.map(
    (one) => `${one.notification_type ?? '(all types)'}  ${one.state}  since ${one.since}: ${one.cause}`,
  );
  return [
    ...accounts.flatMap(({ account, provider, enabled, failover_to: failoverTo, circuit, openings, limits }) => {
      const use = failoverTo === null ? 'in use' : `fails over to ${failoverTo}`;
      const state = circuit ? `circuit open since ${circuit.since}: ${circuit.cause}` : enabled ? use : 'disabled';
      const uses = limits.map(({ period, allowed, free }) => `${period} ${allowed} (${free} free now)`);
      return [[`account ${account} (${provider})`, state, ...uses].join('  '), ...formatPast(openings)];
    }),
    ...installation.flatMap(({ provider, channel, circuit, openings }) => [
      `installation ${provider} (${channel})  ${circuit ? `circuit open since ${circuit.since}: ${circuit.cause}` : 'in use'}`,
      ...formatPast(openings),
    ]),
    ...(standings.length === 0 ? ['No email is paused.'] : standings),
    ...counts.map(
      ({ notification_type: type, ended, bounced, complained }) =>
        `${type ?? '(all types)'}  ${ended} ended in 24 hours, ${bounced} bounced, ${complained} complained about`,
    ),
  ];
}

/** Returns a line for each of the latest openings that have ended. */
function formatPast(openings: readonly Opening[]): string[] {
  const past = openings.filter((one) => one.closed_at !== null).slice(0, MAX_SHOWN_OPENINGS);
  return past.map(({ opened_at: from, closed_at: to, cause }) => `  circuit open from ${from} to ${to}: ${cause}`);
}
