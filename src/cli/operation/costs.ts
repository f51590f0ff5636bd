import type { Command } from 'commander';
import { runApiCommand } from '../run-command.ts';

interface CostsView {
  readonly from: string;
  readonly to: string;
  readonly costs: readonly ({ readonly currency: string; readonly amount: number; readonly messages: number } & {
    readonly [group: string]: string | number | null;
  })[];
  readonly has_more: boolean;
}

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly by: string;
  readonly json?: boolean;
}

const GROUPS = ['day', 'channel', 'provider', 'account', 'type'];

/** Adds the command `costs`. */
export function addCostsCommand(program: Command): void {
  program
    .command('costs')
    .description('Sum up what messages cost, of a running Tidings (TIDINGS_URL)')
    .option('--from <day>', 'first day in UTC, such as 2026-01-01; by default 30 days before the last one')
    .option('--to <day>', 'last day in UTC; by default today')
    .option('--by <groups>', `what to group by, of ${GROUPS.join(', ')}, with commas`, 'channel,provider')
    .option('--json', 'print one line of JSON')
    .action(({ from, to, by, json }: Options) =>
      runApiCommand(json, async (api) => {
        const query = new URLSearchParams({ by, ...(from && { from }), ...(to && { to }) });
        const data = (await api.get(`/api/v1/costs?${query}`)) as CostsView;
        return { data, lines: formatCosts(data) };
      }),
    );
}

function formatCosts({ from, to, costs, has_more }: CostsView): string[] {
  if (costs.length === 0) return [`No costs are known from ${from} to ${to}: see prices in docs/routes.md.`];
  const lines = costs.map(({ currency, amount, messages, ...groups }) => {
    const names = GROUPS.filter((group) => group in groups).map((group) => groups[group] ?? 'installation');
    return [...names, `${amount} ${currency}`, `${messages} ${messages === 1 ? 'message' : 'messages'}`].join('  ');
  });
  return [...lines, ...(has_more ? ['There are more: ask for fewer days or groups.'] : [])];
}
