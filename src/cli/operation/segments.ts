import type { Command } from 'commander';
import { TidingsError } from '../../errors.ts';
import { parseLimit } from '../parse-argument.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand, toPage } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

const PATH = '/api/v1/segments';

interface JsonOption {
  readonly json?: boolean;
}

interface SegmentUser {
  readonly user_id: string;
  readonly addresses: { readonly [kind: string]: string };
}

/** Adds the commands `segments list|preview|users`. */
export function addSegmentsCommands(program: Command): void {
  const segments = program
    .command('segments')
    .description('Segments of users, which segments.yaml of the catalog defines, of a running Tidings (TIDINGS_URL)');
  segments
    .command('list')
    .description('List the segments of the active catalog')
    .option(...JSON_OPTION)
    .action(({ json }: JsonOption) => runApiCommand(json, list));
  segments
    .command('preview')
    .description('Say how many users are in a segment, or would be, and show some of them')
    .argument('[name]', 'a segment of the active catalog')
    .option('--condition <cel>', 'a condition that is no segment yet, such as \'user.plan == "pro"\'')
    .option(...JSON_OPTION)
    .action((name: string | undefined, { condition, json }: JsonOption & { condition?: string }) =>
      runApiCommand(json, (api) => preview(api, name, condition)),
    );
  segments
    .command('users')
    .description('List the users who are in a segment now')
    .argument('<name>', 'a segment of the active catalog')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--after <cursor>', 'the next page')
    .option(...JSON_OPTION)
    .action((name: string, { limit, after, json }: JsonOption & { limit: number; after?: string }) =>
      runApiCommand(json, (api) => listUsers(api, name, limit, after)),
    );
}

async function list(api: ApiClient): Promise<CommandOutput> {
  const data = (await api.get(PATH)) as {
    readonly segments: readonly {
      readonly name: string;
      readonly description: string | null;
      readonly condition: string;
    }[];
  };
  const lines = data.segments.map(
    ({ name, description, condition }) => `${name}  ${condition}${description === null ? '' : `  (${description})`}`,
  );
  return {
    data,
    lines: lines.length > 0 ? lines : ['The active catalog has no segments; write them in segments.yaml.'],
  };
}

async function preview(api: ApiClient, name?: string, condition?: string): Promise<CommandOutput> {
  if ((name === undefined) === (condition === undefined))
    throw new TidingsError('invalid_request', 'Name a segment, or give a --condition.');
  const data = (await api.post(`${PATH}/preview`, name === undefined ? { condition } : { segment: name })) as {
    readonly users: number;
    readonly examined: number;
    readonly count: number;
    readonly exact: boolean;
    readonly sample: readonly SegmentUser[];
  };
  const about = data.exact ? '' : `about, by a sample of ${data.examined}: `;
  return { data, lines: [`${about}${data.count} of ${data.users} users.`, ...data.sample.map(format)] };
}

async function listUsers(api: ApiClient, name: string, limit: number, after?: string): Promise<CommandOutput> {
  const query = new URLSearchParams({ limit: `${limit}`, ...(after && { after }) });
  const data = (await api.get(`${PATH}/${encodeURIComponent(name)}/users?${query}`)) as {
    readonly users: readonly SegmentUser[];
    readonly next: string | null;
  };
  const lines = data.users.map(format);
  return toPage(data, lines, 'No users found on this page.');
}

function format({ user_id: id, addresses }: SegmentUser): string {
  return ['  ', id, ...Object.values(addresses)].join('  ').trimEnd();
}
