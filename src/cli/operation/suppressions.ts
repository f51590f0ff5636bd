import { readFileSync, statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { TidingsError } from '../../errors.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { SUPPRESSIBLE_CHANNELS, SUPPRESSION_REASONS } from '../../model/suppression.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import { writePages } from './write-pages.ts';

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
  readonly export?: string;
  readonly user?: string;
  readonly json?: boolean;
  readonly channel?: string;
  readonly reason?: string;
  readonly scope?: string;
  readonly until?: string;
  readonly note?: string;
  readonly yes?: boolean;
}

const PATH = '/api/v1/suppressions';

/** Suppressions of one request of an import, and of a file, at most; longest file in bytes. */
const IMPORT_BATCH = 1000;
const MAX_IMPORTED = 100_000;
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** Adds the commands `suppressions list|add|import|remove|lift`. */
export function addSuppressionsCommands(program: Command): void {
  const suppressions = program
    .command('suppressions')
    .description('Addresses that get no messages, of a running Tidings (TIDINGS_URL)');
  suppressions
    .command('list')
    .description('List the latest 100, newest first')
    .addOption(new Option('--channel <channel>', 'on this channel').choices(SUPPRESSIBLE_CHANNELS))
    .addOption(new Option('--reason <reason>', 'for this reason').choices(SUPPRESSION_REASONS))
    .option('--user <user>', 'of the addresses that this user has now')
    .option('--export <file>', 'write all of them to a file as NDJSON, instead of listing some')
    .option(...JSON_OPTION)
    .action(({ channel, reason, user, export: file, json }: Options) =>
      runApiCommand(json, async (api) => {
        const filter = { ...(channel && { channel }), ...(reason && { reason }), ...(user && { user_id: user }) };
        if (file !== undefined) {
          const suppressions = await writePages(file, async (after) => {
            const query = new URLSearchParams({ limit: '200', ...filter, ...(after !== null && { after }) });
            const page = (await api.get(`${PATH}?${query}`)) as { suppressions: readonly View[]; next: string | null };
            return { items: page.suppressions, next: page.next };
          });
          return { data: { suppressions }, lines: [`${formatCount(suppressions, 'suppression')} written.`] };
        }
        const query = new URLSearchParams({ limit: '100', ...filter });
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
    .command('import')
    .description(
      'Add the suppressions of a file, in portions of 1,000: one JSON object a line, as POST /api/v1/suppressions takes it',
    )
    .argument('<file>', `at most ${MAX_IMPORTED} lines; also with a reason, such as hard_bounce`)
    .option(...JSON_OPTION)
    .action((file: string, { json }: Options) =>
      runApiCommand(json, async (api) => {
        const list = readImport(file);
        const data = { added: 0, known: 0 };
        for (let start = 0; start < list.length; start += IMPORT_BATCH) {
          const body = { suppressions: list.slice(start, start + IMPORT_BATCH) };
          const part = (await api.post(`${PATH}/import`, body)) as typeof data;
          data.added += part.added;
          data.known += part.known;
        }
        return { data, lines: [`${data.added} added, ${data.known} known already`] };
      }),
    );
  suppressions
    .command('remove')
    .description('Send to an address again: lifts its suppressions of a scope')
    .argument('<channel>', `one of ${SUPPRESSIBLE_CHANNELS.join(', ')}`)
    .argument('<address>', 'in any spelling')
    .option('--scope <scope>', 'only this one; without it, of every scope')
    .option('--note <text>', 'why')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (channel: string, address: string, { scope, note, yes, json }: Options) => {
      await confirm(`Lift what is suppressed for this address on ${channel}, so that it gets messages again?`, yes);
      return runApiCommand(json, async (api) => {
        const found = (await api.post(`${PATH}/search`, { channel, address })) as { suppressions: readonly View[] };
        const data: View[] = [];
        for (const one of found.suppressions.filter((view) => scope === undefined || view.scope === scope))
          data.push((await api.post(`${PATH}/${one.suppression_id}/lift`, note ? { note } : {})) as View);
        const lines = data.map((one) => `Lifted: ${format(one)}`);
        return { data, lines: lines.length === 0 ? ['The address is not suppressed.'] : lines };
      });
    });
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

/** Returns the suppressions of a file. @throws TidingsError with the line that is wrong */
function readImport(file: string): unknown[] {
  let text: string;
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw invalid(`${file} is larger than 32 MiB; import it in parts`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof TidingsError) throw error;
    throw invalid(`${file} cannot be read`);
  }
  const list: unknown[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    if (list.length === MAX_IMPORTED)
      throw invalid(`${file} has more than ${MAX_IMPORTED} suppressions; import it in parts`);
    try {
      list.push(JSON.parse(line));
    } catch {
      throw invalid(`line ${index + 1} of ${file} is not a JSON object`);
    }
  }
  return list;
}

function invalid(problem: string): TidingsError {
  return new TidingsError('invalid_request', `${problem}.`);
}

function format({ suppression_id: id, channel, address, scope, reason, since, until }: View): string {
  const end = until === null ? 'until it is lifted' : `until ${until}`;
  return `${id}  ${channel}  ${address ?? '(hash only)'}  ${scope}  ${reason}  since ${since}, ${end}`;
}
