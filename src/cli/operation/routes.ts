import type { Command } from 'commander';
import { runApiCommand } from '../run-command.ts';

interface EntryView {
  readonly account: string;
  readonly provider: string | null;
  readonly tier: number;
  readonly weight: number;
  readonly when: string | null;
  readonly missing: string | null;
  readonly circuit: { readonly cause: string } | null;
  readonly failover_to: string | null;
  readonly share: number | null;
  readonly waiting: number | null;
  readonly move: { readonly share: number; readonly moved_at: string; readonly cause: string } | null;
}

interface RoutesView {
  readonly routes: readonly {
    readonly channel: string;
    readonly origin: string;
    readonly entries: readonly EntryView[];
  }[];
}

/** Adds the command `routes`. */
export function addRoutesCommand(program: Command): void {
  program
    .command('routes')
    .description('Show by which accounts messages go at present, of a running Tidings (TIDINGS_URL)')
    .option('--json', 'print one line of JSON')
    .action(({ json }: { readonly json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/routes')) as RoutesView;
        const lines = data.routes.flatMap(({ channel, origin, entries }) => [
          `${channel} (${origin === 'catalog' ? 'routes.yaml' : 'by the places of the accounts'})`,
          ...entries.map((entry) => `  ${formatEntry(entry)}`),
        ]);
        return { data, lines: lines.length === 0 ? ['Messages go by the accounts of the installation.'] : lines };
      }),
    );
}

function formatEntry({
  account,
  provider,
  tier,
  weight,
  when,
  missing,
  circuit,
  failover_to: failoverTo,
  share,
  waiting,
  move,
}: EntryView): string {
  const facts = [
    `tier ${tier}, weight ${weight}`,
    ...(when === null ? [] : [`when ${when}`]),
    ...(missing === null ? [] : [`not used: ${missing}`]),
    ...(share === null ? [] : [`${share}% of the messages now`]),
    ...(waiting === null || waiting === 0 ? [] : [`${waiting}% wait for it`]),
    ...(failoverTo === null ? [] : [`fails over to ${failoverTo}`]),
    ...(circuit === null ? [] : [`circuit open: ${circuit.cause}`]),
    ...(move === null ? [] : [formatMove(move)]),
  ];
  return `${account}${provider === null ? '' : ` (${provider})`}  ${facts.join('; ')}`;
}

function formatMove({ share, moved_at: since, cause }: NonNullable<EntryView['move']>): string {
  return share === 100
    ? `has all of its messages again since ${since}, after: ${cause}`
    : `keeps ${share}% since ${since}: ${cause}`;
}
