import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type { MergeView } from '../../ingest/merge-users.ts';
import type { JsonObject } from '../../model/event.ts';
import type { ErasureView } from '../../store/erasure/erasures.ts';
import type { UserAddressView } from '../../store/user-addresses.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseJsonObject, parseLimit } from '../parse-argument.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import { addForecastCommand } from './forecast.ts';
import { addPauseCommands } from './pause-user.ts';

const USER = ['<user-id>', 'your id of the user'] as const;
const TRAITS = ['<traits>', `a JSON object, such as '{"plan":"pro"}'`] as const;

interface UserView {
  readonly user_id: string;
  readonly traits: JsonObject;
  readonly addresses: { readonly [kind: string]: string };
  readonly updated_at: string;
}

interface SearchOptions {
  readonly prefix?: string;
  readonly contains?: string;
  readonly name?: string;
  readonly address?: string;
  readonly kind?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Adds the commands `users search|get|put|set|forecast|pause|resume|export|verify|confirm|merge|erase|erasure`. */
export function addUsersCommands(program: Command): void {
  const users = program.command('users').description('Users of a running Tidings (TIDINGS_URL)');
  users
    .command('search')
    .description(
      'Find users by the start or a part of their id, by the start of their name or its last word, or by an address',
    )
    .option('--prefix <text>', 'start of the id')
    .option('--contains <text>', 'a part of the id')
    .option('--name <text>', 'start of the name, or of its last word')
    .option('--address <address>', 'an email address, or a number in E.164 form')
    .addOption(new Option('--kind <kind>', 'of the address; by default as it looks').choices(['email', 'phone']))
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option(...JSON_OPTION)
    .action((options: SearchOptions) =>
      runApiCommand(options.json, async (api) => {
        const { address, kind } = options;
        const data = (await (address === undefined
          ? api.get(`/api/v1/users?${toQuery(options)}`)
          : api.post('/api/v1/users/search', {
              kind: kind ?? (address.includes('@') ? 'email' : 'phone'),
              address,
            }))) as { readonly users: readonly { readonly user_id: string }[]; readonly next: string | null };
        const lines = data.users.map(({ user_id }) => user_id);
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines: lines.length > 0 ? lines : ['There is no such user.'] };
      }),
    );
  users
    .command('get')
    .description('Show a user, with addresses masked')
    .argument(...USER)
    .option(...JSON_OPTION)
    .action((userId: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => toOutput((await api.get(pathOf(userId))) as UserView)),
    );
  for (const [name, method, description] of [
    ['put', 'put', 'Replace all traits of a user; those that are left out become null'],
    ['set', 'patch', 'Set some traits of a user, who need not be known; the others stay'],
  ] as const) {
    users
      .command(name)
      .description(description)
      .argument(...USER)
      .argument(...TRAITS, parseJsonObject)
      .option(...JSON_OPTION)
      .action((userId: string, traits: object, { json }: { json?: boolean }) =>
        runApiCommand(json, async (api) => toOutput((await api[method](pathOf(userId), { traits })) as UserView)),
      );
  }
  addForecastCommand(users);
  addPauseCommands(users);
  users
    .command('export')
    .description('Write everything about a user to a tar archive, unmasked; the reason goes to the audit log')
    .argument(...USER)
    .requiredOption('--reason <text>', 'for the audit log')
    .requiredOption('--output <file>', 'the archive; an existing file is replaced')
    .option(...JSON_OPTION)
    .action((userId: string, { reason, output, json }: { reason: string; output: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const content = await api.download(`${pathOf(userId)}/export`, { reason });
        const bytes = await writeArchive(content, output);
        return { data: { user_id: userId, file: output, bytes }, lines: [`${bytes} bytes written to ${output}`] };
      }),
    );
  users
    .command('verify')
    .description('Send a code to an address of a user')
    .argument(...USER)
    .argument('<address-id>', 'its id, as the list of addresses has it')
    .option('--type <type>', 'notification type with the variable code; default: the built-in one')
    .option(...JSON_OPTION)
    .action((userId: string, addressId: string, { type, json }: { type?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post(pathOfCode(userId, addressId), { type })) as { readonly expires_at: string };
        return { data, lines: [`sent; of use until ${data.expires_at}`] };
      }),
    );
  users
    .command('confirm')
    .description('Verify an address of a user by the code that was sent to it')
    .argument(...USER)
    .argument('<address-id>', 'its id, as the list of addresses has it')
    .argument('<code>', 'the six digits')
    .option(...JSON_OPTION)
    .action((userId: string, addressId: string, code: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post(`${pathOfCode(userId, addressId)}/confirm`, { code })) as UserAddressView;
        return { data, lines: [`${data.address} verified ${data.verified_at}`] };
      }),
    );
  users
    .command('merge')
    .description('Merge a user into another; it cannot be undone')
    .argument(...USER)
    .argument('<into>', 'your id of the survivor')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (userId: string, into: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Merge ${userId} into ${into}?`, yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.post(`${pathOf(userId)}/merge`, { into })) as MergeView;
        const moved = Object.entries(data.moved).map(([what, count]) => `${what} ${count}`);
        return { data, lines: [[`${userId} is ${data.merged_into}`, data.merged_at, ...moved].join('  ')] };
      });
    });
  users
    .command('erase')
    .description('Erase everything about a user; it cannot be undone')
    .argument(...USER)
    .option('--reason <text>', 'for the audit log; without names')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (userId: string, { reason, yes, json }: { reason?: string; yes?: boolean; json?: boolean }) => {
      await confirm(`Erase everything about ${userId}?`, yes);
      return runApiCommand(json, async (api) => {
        const body = reason === undefined ? {} : { reason };
        const data = (await api.post(`${pathOf(userId)}/erase`, body)) as ErasureView;
        return { data, lines: [formatErasure(data)] };
      });
    });
  users
    .command('erasure')
    .description('Show how far an erasure has come')
    .argument('<id>', 'its id, as `tidings users erase` printed it')
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`/api/v1/erasures/${encodeURIComponent(id)}`)) as ErasureView;
        return { data, lines: [formatErasure(data)] };
      }),
    );
}

/** Writes an archive to a file that only its owner may read. Nothing is left of one that breaks off. Returns its size. */
async function writeArchive(content: ReadableStream<Uint8Array>, path: string): Promise<number> {
  const file = createWriteStream(path, { mode: 0o600 });
  try {
    await pipeline(content, file);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return file.bytesWritten;
}

function toQuery({ prefix, contains, name, limit }: SearchOptions): URLSearchParams {
  const given = Object.entries({ prefix, contains, name }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as [string, string]],
  );
  return new URLSearchParams([...given, ['limit', `${limit}`]]);
}

function pathOfCode(userId: string, addressId: string): string {
  return `${pathOf(userId)}/addresses/${encodeURIComponent(addressId)}/verify`;
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}`;
}

function toOutput(data: UserView): { readonly data: UserView; readonly lines: readonly string[] } {
  const addresses = Object.entries(data.addresses).map(([kind, address]) => `${kind}  ${address}`);
  const traits = Object.entries(data.traits).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`);
  return { data, lines: [`${data.user_id}  changed ${data.updated_at}`, ...addresses, ...traits] };
}

function formatErasure({ erasure_id: id, status, erased_at: at, counts }: ErasureView): string {
  const rows = Object.entries(counts).map(([table, count]) => `${table} ${count}`);
  return [`${id}  ${status}  ${at}`, ...rows].join('  ');
}
