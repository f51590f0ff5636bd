import { type Command, Option } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import type { ImportError, ImportResult } from '../../model/consent-import.ts';
import { parseLimit } from '../parse-argument.ts';
import { readLines } from '../read-lines.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand, toPage, toRejectedLines } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

interface ConsentView {
  readonly at: string;
  readonly purpose: string;
  readonly channel: string;
  readonly state: string;
  readonly address: string | null;
  readonly source: string | null;
  readonly recorded_by: string;
}

interface RecordedConsent {
  readonly consent_id: string;
  readonly state: string;
  readonly notification_id: string | null;
  readonly expires_at: string | null;
}

interface RecordOptions {
  readonly channel: string;
  readonly source: string;
  readonly address?: string;
  readonly method?: string;
  readonly wordingVersion?: string;
  readonly at?: string;
  readonly json?: boolean;
}

const USER = ['<user-id>', 'your id of the user'] as const;

/** Lines of one request, and errors that are printed. */
const PART_LINES = 2000;
const MAX_PRINTED_ERRORS = 20;

/** Adds the commands `consents latest|list|record|import`. */
export function addConsentsCommands(program: Command): void {
  const consents = program
    .command('consents')
    .description('What users said about consent, of a running Tidings (TIDINGS_URL)');
  consents
    .command('list')
    .description('List the consents of a user, the one that was recorded last first')
    .argument(...USER)
    .option(...JSON_OPTION)
    .action((userId: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${pathOf(userId)}?limit=200`)) as { readonly consents: readonly ConsentView[] };
        const lines = data.consents.map(format);
        return { data, lines: lines.length > 0 ? lines : ['Nothing is recorded for this user.'] };
      }),
    );
  consents
    .command('latest')
    .description('List the consents of all users, the one that was recorded last first')
    .option('--purpose <category>', 'only for this purpose')
    .option('--channel <channel>', 'only by this channel')
    .addOption(new Option('--state <state>', 'only in this state').choices(['granted', 'withdrawn', 'pending']))
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 20)
    .option('--after <cursor>', 'the next page')
    .option(...JSON_OPTION)
    .action(
      ({
        json,
        ...query
      }: {
        readonly json?: boolean;
        readonly [name: string]: string | number | boolean | undefined;
      }) =>
        runApiCommand(json, async (api) => {
          const given = Object.entries(query).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, String(value)] as [string, string]],
          );
          const data = (await api.get(`/api/v1/consents?${new URLSearchParams(given)}`)) as {
            readonly consents: readonly (ConsentView & { readonly user_id: string })[];
            readonly next: string | null;
          };
          const lines = data.consents.map((one) => `${one.user_id}  ${format(one)}`);
          return toPage(data, lines, 'No consent was recorded.');
        }),
    );
  consents
    .command('record')
    .description('Record that a user granted or withdrew consent')
    .argument(...USER)
    .argument('<purpose>', 'the category of messages, such as MARKETING')
    .addArgument(consents.createArgument('<state>', 'what the user said').choices(['granted', 'withdrawn']))
    .addOption(new Option('--channel <channel>', 'of the messages').makeOptionMandatory())
    .requiredOption('--source <text>', 'where it is from, such as "checkout form"')
    .option('--address <address>', 'that the consent is for; default: the one that messages go to')
    .option('--method <text>', 'how it was given, such as double_opt_in')
    .option('--wording-version <text>', 'the version of the text that the user saw')
    .option('--at <time>', 'when it was said (ISO 8601); default: now')
    .option(...JSON_OPTION)
    .action((userId: string, purpose: string, state: string, options: RecordOptions) =>
      runApiCommand(options.json, async (api) => {
        const { channel, source, address, method, wordingVersion, at } = options;
        const said = { purpose, channel, state, source, address, method, wording_version: wordingVersion, at };
        const data = (await api.post(pathOf(userId), said)) as RecordedConsent;
        return { data, lines: describeRecorded(data) };
      }),
    );
  consents
    .command('import')
    .description(
      'Import consents that were given elsewhere; run it again to go on after an error: nothing is recorded twice',
    )
    .argument(
      '<file>',
      'a line of JSON each, with user_id, purpose, channel, state, at and evidence; - reads standard input',
    )
    .option(...JSON_OPTION)
    .action((file: string, { json }: { json?: boolean }) => runApiCommand(json, (api) => importFile(api, file)));
}

function describeRecorded({
  consent_id: id,
  state,
  notification_id: message,
  expires_at: end,
}: RecordedConsent): string[] {
  if (state !== 'pending') return [`Recorded: ${id}`];
  const asked = message === null ? 'no further message was sent' : `notification ${message} asks for it`;
  return [`Pending: ${id}`, `It counts once the user has confirmed it, until ${end ?? ''}; ${asked}.`];
}

/** Sends a file a part at a time. */
async function importFile(api: ApiClient, file: string): Promise<CommandOutput> {
  const total = { lines: 0, recorded: 0, pending: 0, known: 0, rejected: 0, empty: 0, errors: [] as ImportError[] };
  let part: string[] = [];
  const flush = async () => {
    const answer = await api.postLines('/api/v1/consents/import', part.join(''));
    const summary = answer.at(-1) as ImportResult['summary'];
    const errors = (answer.slice(0, -1) as ImportError[]).map((one) => ({ ...one, line: total.lines + one.line }));
    total.errors = [...total.errors, ...errors].slice(0, MAX_PRINTED_ERRORS);
    for (const name of ['lines', 'recorded', 'pending', 'known', 'rejected', 'empty'] as const)
      total[name] += summary[name];
    part = [];
  };
  for await (const line of readLines(file)) {
    part.push(`${line}\n`);
    if (part.length < PART_LINES) continue;
    await flush();
    console.error(`${formatCount(total.lines, 'line')} …`);
  }
  if (part.length > 0) await flush();
  const waiting = total.pending === 0 ? '' : ` (${total.pending} wait for their confirmation)`;
  const said = `${total.recorded} recorded${waiting}, ${total.known} known already, ${total.rejected} rejected.`;
  const errors = total.errors.map(({ line, code, message }) => `  line ${line + 1}  ${code}  ${message}`);
  return { data: total, lines: [said, ...errors], failure: toRejectedLines(total.rejected) };
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/consents`;
}

function format({ at, purpose, channel, state, address, source, recorded_by: by }: ConsentView): string {
  return `${at}  ${purpose}  ${channel}  ${state}  ${address ?? '-'}  ${source ?? '-'}  by ${by}`;
}
