import type { Command } from 'commander';
import { runApiCommand } from '../run-command.ts';

interface Results {
  readonly results: readonly {
    readonly kind: string;
    readonly id: string;
    readonly found_by: string;
    readonly user_id: string | null;
    readonly name: string | null;
    readonly status: string | null;
    readonly at: string | null;
  }[];
  readonly searched: readonly string[];
  readonly not_searched: readonly { readonly kind: string; readonly scope: string }[];
  readonly has_more: readonly string[];
  readonly partly_searched: readonly string[];
}

interface Problems {
  readonly problems: readonly {
    readonly code: string;
    readonly subject: string | null;
    readonly count: number | null;
    readonly has_more: boolean;
    readonly detail: string;
  }[];
  readonly not_looked_at: readonly { readonly code: string; readonly scope: string }[];
}

const JSON_OPTION = ['--json', 'print one line of JSON'] as const;

/** Adds the commands `search` and `problems`. */
export function addSearchCommands(program: Command): void {
  program
    .command('search')
    .description(
      'Find users, events, notifications, deliveries, waits, rules, types and templates by what you have of them (TIDINGS_URL)',
    )
    .argument('<text>', 'a part of an id or a name, an email address, a phone number, or the key of a wait')
    .option(...JSON_OPTION)
    .action((text: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post('/api/v1/search', { text })) as Results;
        return { data, lines: formatResults(data) };
      }),
    );
  program
    .command('problems')
    .description('Show what is wrong at present, of a running Tidings (TIDINGS_URL)')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/problems')) as Problems;
        return { data, lines: formatProblems(data) };
      }),
    );
}

function formatResults({ results, searched, not_searched, has_more, partly_searched }: Results): string[] {
  const rows = results.map(({ kind, id, found_by, user_id, name, status, at }) => {
    const more = [user_id === id ? null : user_id, name, status, at].filter((part) => part !== null);
    return [kind, id, ...more, `(by ${found_by})`].join('  ');
  });
  const lines = rows.length > 0 ? rows : [`Nothing was found. Searched: ${searched.join(', ')}.`];
  if (has_more.length > 0) lines.push(`… and more: ${has_more.join(', ')}`);
  if (partly_searched.length > 0)
    lines.push(`Too many to look at all: ${partly_searched.join(', ')}; type the beginning of the id.`);
  for (const { kind, scope } of not_searched) lines.push(`Not searched: ${kind}, which needs the scope ${scope}.`);
  return lines;
}

function formatProblems({ problems, not_looked_at }: Problems): string[] {
  const lines = problems.map(({ code, subject, count, has_more, detail }) => {
    const number = count === null ? null : `${has_more ? 'at least ' : ''}${count}`;
    return [code, subject, number, detail].filter((part) => part !== null).join('  ');
  });
  if (lines.length === 0) lines.push('Nothing that is known is wrong.');
  for (const { code, scope } of not_looked_at) lines.push(`Not looked at: ${code}, which needs the scope ${scope}.`);
  return lines;
}
