import type { Command } from 'commander';
import { runApiCommand } from '../run-command.ts';

const MAX_PRINTED_DECISIONS = 20;

interface Explanation {
  readonly paragraph: string;
  /** Newest first. */
  readonly decisions: readonly { readonly decided_at: string; readonly outcome: string; readonly reason: string }[];
}

/** Adds the command `explain USER TYPE`. */
export function addExplainCommand(program: Command): void {
  program
    .command('explain')
    .description('Explain why a user received a notification, or did not (TIDINGS_URL)')
    .argument('<user>', 'the user_id')
    .argument('<type>', 'the notification type')
    .option('--json', 'print one line of JSON')
    .action((user: string, type: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const path = `/api/v1/explain/${encodeURIComponent(user)}/${encodeURIComponent(type)}`;
        const data = (await api.get(path)) as Explanation;
        return { data, lines: formatExplanation(data) };
      }),
    );
}

function formatExplanation({ paragraph, decisions }: Explanation): string[] {
  const history = decisions
    .slice(0, MAX_PRINTED_DECISIONS)
    .map(({ decided_at, outcome, reason }) => `  ${decided_at}  ${outcome.padEnd(11)}  ${reason}`);
  return [paragraph, ...(history.length > 0 ? ['', ...history] : [])];
}
