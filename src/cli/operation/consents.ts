import { type Command, Option } from 'commander';
import { runApiCommand } from '../run-command.ts';

interface ConsentView {
  readonly at: string;
  readonly purpose: string;
  readonly channel: string;
  readonly state: string;
  readonly address: string | null;
  readonly source: string | null;
  readonly recorded_by: string;
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
const JSON_OPTION = ['--json', 'print one line of JSON'] as const;

/** Adds the commands `consents list|record`. */
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
        const data = (await api.post(pathOf(userId), said)) as { readonly consent_id: string };
        return { data, lines: [`Recorded: ${data.consent_id}`] };
      }),
    );
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/consents`;
}

function format({ at, purpose, channel, state, address, source, recorded_by: by }: ConsentView): string {
  return `${at}  ${purpose}  ${channel}  ${state}  ${address ?? '-'}  ${source ?? '-'}  by ${by}`;
}
