import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import type { MemberImport } from '../../model/member-import.ts';
import type { ListView } from '../../store/lists/lists.ts';
import type { ChangedMembers, MemberView } from '../../store/lists/members.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { readLines } from '../read-lines.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand, toPage, toRejectedLines } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

const PATH = '/api/v1/lists';
const LIST = ['<id>', 'the list'] as const;
const FILE = ['<file>', 'a user id on each line, or {"user_id":"u1"}; - reads standard input'] as const;
/** Users of one request, and errors that are printed. */
const PART_USERS = 10_000;
const MAX_PRINTED_ERRORS = 20;

interface JsonOption {
  readonly json?: boolean;
}

/** Adds the commands `lists list|create|show|members|add|remove|delete`. */
export function addListsCommands(program: Command): void {
  const lists = program.command('lists').description('Lists of users, of a running Tidings (TIDINGS_URL)');
  lists
    .command('list')
    .description('List the lists, by name')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option(...JSON_OPTION)
    .action(({ limit, json }: JsonOption & { limit: number }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${PATH}?limit=${limit}`)) as { readonly lists: readonly ListView[] };
        return { data, lines: data.lists.length > 0 ? data.lists.map(format) : ['No lists found.'] };
      }),
    );
  lists
    .command('create')
    .description('Create a list without members')
    .argument('<name>', 'its name')
    .option('--description <text>', 'what it is for')
    .option(...JSON_OPTION)
    .action((name: string, { description, json }: JsonOption & { description?: string }) =>
      runApiCommand(json, async (api) =>
        show(await api.post(PATH, { name, ...(description !== undefined && { description }) })),
      ),
    );
  lists
    .command('show')
    .description('Show a list')
    .argument(...LIST)
    .option(...JSON_OPTION)
    .action((id: string, { json }: JsonOption) => runApiCommand(json, async (api) => show(await api.get(pathOf(id)))));
  lists
    .command('members')
    .description('List the members of a list')
    .argument(...LIST)
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--after <cursor>', 'the next page')
    .option(...JSON_OPTION)
    .action((id: string, { limit, after, json }: JsonOption & { limit: number; after?: string }) =>
      runApiCommand(json, (api) => members(api, id, limit, after)),
    );
  lists
    .command('add')
    .description('Add the users of a file; those who are members already stay')
    .argument(...LIST)
    .argument(...FILE)
    .option(...JSON_OPTION)
    .action((id: string, file: string, { json }: JsonOption) =>
      runApiCommand(json, (api) => addFile(api, `${pathOf(id)}/members/import`, file)),
    );
  lists
    .command('remove')
    .description('Remove the users of a file from a list')
    .argument(...LIST)
    .argument(...FILE)
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, file: string, { json, yes }: JsonOption & { yes?: boolean }) => {
      await confirm(`Remove the users of ${file} from the list ${id}?`, yes);
      await runApiCommand(json, (api) => change(api, `${pathOf(id)}/members/remove`, file, 'removed'));
    });
  lists
    .command('delete')
    .description('Delete a list; its users stay')
    .argument(...LIST)
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { json, yes }: JsonOption & { yes?: boolean }) => {
      await confirm(`Delete the list ${id}?`, yes);
      await runApiCommand(json, async (api) => {
        const data = (await api.delete(pathOf(id))) as ListView;
        return { data, lines: [`Deleted: ${format(data)}`] };
      });
    });
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}

function show(list: unknown): CommandOutput {
  return { data: list, lines: [format(list as ListView)] };
}

async function members(api: ApiClient, id: string, limit: number, after?: string): Promise<CommandOutput> {
  const query = new URLSearchParams({ limit: `${limit}`, ...(after && { after }) });
  const data = (await api.get(`${pathOf(id)}/members?${query}`)) as {
    readonly members: readonly MemberView[];
    readonly next: string | null;
  };
  const lines = data.members.map(({ user_id, added_at }) => `${user_id}  since ${added_at}`);
  return toPage(data, lines, 'The list has no members.');
}

/** Sends a file a part at a time. It may be sent again after an error: who is a member already stays one. */
async function addFile(api: ApiClient, path: string, file: string): Promise<CommandOutput> {
  const total = { lines: 0, changed: 0, unchanged: 0, rejected: 0, members: 0, errors: [] as MemberImport['errors'] };
  let part: string[] = [];
  const flush = async () => {
    const answer = await api.postLines(path, part.join(''));
    const summary = answer.at(-1) as MemberImport['summary'];
    const errors = (answer.slice(0, -1) as MemberImport['errors'][number][]).map((one) => {
      return { ...one, line: total.lines + one.line };
    });
    total.errors = [...total.errors, ...errors].slice(0, MAX_PRINTED_ERRORS);
    for (const name of ['lines', 'changed', 'unchanged', 'rejected'] as const) total[name] += summary[name];
    total.members = summary.members;
    part = [];
  };
  for await (const line of readLines(file)) {
    part.push(`${toMemberLine(line.trim())}\n`);
    if (part.length === PART_USERS) await flush();
  }
  await flush();
  const said = `${formatCount(total.changed, 'user')} added, ${total.unchanged} unchanged; the list has ${total.members}.`;
  const errors = total.errors.map(({ line, code, message }) => `  line ${line + 1}  ${code}  ${message}`);
  return { data: total, lines: [said, ...errors], failure: toRejectedLines(total.rejected) };
}

/** Returns a line as it is sent: of `u1`, `{"user_id":"u1"}`. */
function toMemberLine(line: string): string {
  return line === '' || line.startsWith('{') ? line : JSON.stringify({ user_id: line });
}

/** Sends a file a part at a time. */
async function change(api: ApiClient, path: string, file: string, done: string): Promise<CommandOutput> {
  const total = { changed: 0, unchanged: 0, members: 0 };
  let part: string[] = [];
  const flush = async () => {
    const { changed, unchanged, members: left } = (await api.post(path, { user_ids: part })) as ChangedMembers;
    total.changed += changed;
    total.unchanged += unchanged;
    total.members = left;
    part = [];
  };
  for await (const line of readLines(file)) {
    const userId = readUserId(line.trim());
    if (userId === '') continue;
    part.push(userId);
    if (part.length === PART_USERS) await flush();
  }
  if (part.length > 0) await flush();
  const said = `${formatCount(total.changed, 'user')} ${done}, ${total.unchanged} unchanged; the list has ${total.members}.`;
  return { data: total, lines: [said] };
}

/** Reads `u1` or `{"user_id":"u1"}`. */
function readUserId(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { user_id: userId } = JSON.parse(line) as { readonly user_id?: unknown };
    return typeof userId === 'string' ? userId : line;
  } catch {
    return line;
  }
}

function format({ list_id: id, name, description, members: count }: ListView): string {
  return `${id}  ${name}  ${formatCount(count, 'member')}${description === null ? '' : `  ${description}`}`;
}
