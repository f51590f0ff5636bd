import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import type { AuditEntryView } from '../../store/audit-log.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';
import { writePages } from './write-pages.ts';

interface AuditOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly export?: string;
  readonly json?: boolean;
}

interface Page {
  readonly entries: readonly AuditEntryView[];
  readonly next: string | null;
}

/** Adds the command `audit`. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('List the changes in a running Tidings (TIDINGS_URL): who did what, and when, newest first')
    .option('--actor <actor>', 'only those by this key, member or program: its id or its name')
    .option('--action <action>', 'only this action, such as key.revoked, or all of a subject, such as key')
    .option('--subject <subject>', 'only changes of this')
    .option('--since <time>', 'only those at or after this time, such as 2026-11-01T00:00:00Z')
    .option('--until <time>', 'only those before this time')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--export <file>', 'write all of them to a file as NDJSON, instead of listing some')
    .option('--json', 'print one line of JSON')
    .action((options: AuditOptions) =>
      runApiCommand(options.json, async (api) => {
        if (options.export !== undefined) {
          const entries = await writePages(options.export, async (after) => {
            const { entries: items, next } = await loadPage(api, options, 200, after);
            return { items, next };
          });
          return { data: { entries }, lines: [`${formatCount(entries, 'change')} written.`] };
        }
        const data = await loadPage(api, options, options.limit, null);
        const lines = data.entries.map(formatEntry);
        if (data.next !== null) lines.push('… and more; see --limit and --export');
        return { data, lines: lines.length > 0 ? lines : ['There are no such changes.'] };
      }),
    );
}

async function loadPage(api: ApiClient, options: AuditOptions, limit: number, after: string | null): Promise<Page> {
  const query = new URLSearchParams({ limit: `${limit}` });
  for (const name of ['actor', 'action', 'subject', 'since', 'until'] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  if (after !== null) query.set('after', after);
  return (await api.get(`/api/v1/audit-log?${query}`)) as Page;
}

function formatEntry({ at, action, subject, actor, actor_kind, actor_id, from }: AuditEntryView): string {
  const who = actor_kind === 'system' ? actor : `${actor_kind} ${actor} (${actor_id})`;
  return `${at}  ${action}  ${subject}  by ${who}${from === null ? '' : ` from ${from}`}`;
}
