import { type Command, InvalidArgumentError } from 'commander';
import { ConfigError, TidingsError } from '../../errors.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { INSTALLATION_SCOPES, SCOPES, type Scope, systemActor, TENANT_SCOPES } from '../../model/principal.ts';
import { environmentOf } from '../../store/keys/api-keys.ts';
import type { KeyView } from '../../tenants/key-view.ts';
import { Keys } from '../../tenants/keys.ts';
import { parseDuration } from '../../time/duration.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { withTenantDatabase } from '../database/with-database.ts';
import { parseLimit } from '../parse-argument.ts';
import { type CommandOutput, printOutput, runApiCommand, runDatabaseCommand } from '../run-command.ts';

type IssuedKey = KeyView & { readonly key: string };

interface CreateOptions {
  readonly name: string;
  readonly scopes: readonly Scope[] | 'all';
  readonly test?: boolean;
  readonly installation?: boolean;
  readonly expires?: number;
  readonly perMinute?: number;
  readonly database?: boolean;
  readonly json?: boolean;
}

type UpdateOptions = Partial<Pick<CreateOptions, 'name' | 'scopes' | 'expires' | 'perMinute' | 'json'>>;

/**
 * Adds `list`, `create`, `update`, `rotate` and `revoke` to the commands `keys …`. They call a running Tidings; `create --database` works on
 * the database itself, for the first key.
 */
export function addApiKeyCommands(keys: Command): void {
  keys
    .command('list')
    .description('List the API keys of a tenant of a running Tidings (TIDINGS_URL), newest first')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action((options: { limit: number; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get(`/api/v1/keys?limit=${options.limit}`)) as {
          readonly keys: readonly KeyView[];
          readonly next: string | null;
        };
        const lines = data.keys.map(formatKey);
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines: lines.length > 0 ? lines : ['There are no API keys.'] };
      }),
    );
  keys
    .command('create')
    .description('Create an API key, and print it this once')
    .requiredOption('--name <name>', 'its name, for reading')
    .requiredOption(
      '--scopes <scopes>',
      'what it may do, separated by commas, or all; see docs/security.md',
      parseScopes,
    )
    .option('--test', 'its data is apart, and nothing leaves the sandbox')
    .option('--installation', 'it may act for every tenant')
    .option('--expires <duration>', 'how long it works, such as 90d (default: it does not expire)', parseTime)
    .option('--per-minute <n>', 'requests per minute (default: TIDINGS_KEY_RATE)', parseRate)
    .option('--database', 'work on the database itself, without another key')
    .option('--json', 'print one line of JSON')
    .action(async (options: CreateOptions) => {
      if (options.database) return runDatabaseCommand(() => createOnDatabase(options));
      return runApiCommand(options.json, async (api) => {
        const body = {
          name: options.name,
          scopes: expandScopes(options),
          environment: options.test ? 'test' : 'live',
          is_installation: options.installation ?? false,
          per_minute: options.perMinute ?? null,
          expires_at: options.expires === undefined ? null : new Date(Date.now() + options.expires).toISOString(),
        };
        return showIssued((await api.post('/api/v1/keys', body)) as IssuedKey);
      });
    });
  keys
    .command('update')
    .description('Change the name, scopes, limit or expiry of an API key')
    .argument('<id>', 'the id of the key; see `tidings keys list`')
    .option('--name <name>', 'its name, for reading')
    .option('--scopes <scopes>', 'what it may do, separated by commas, or all', parseScopes)
    .option('--expires <duration>', 'how long it works from now on, such as 90d', parseTime)
    .option('--per-minute <n>', 'requests per minute', parseRate)
    .option('--json', 'print one line of JSON')
    .action((id: string, { name, scopes, expires, perMinute, json }: UpdateOptions) =>
      runApiCommand(json, async (api) => {
        const data = (await api.patch(`/api/v1/keys/${encodeURIComponent(id)}`, {
          name,
          scopes: scopes === 'all' ? TENANT_SCOPES : scopes,
          per_minute: perMinute,
          expires_at: expires === undefined ? undefined : new Date(Date.now() + expires).toISOString(),
        })) as KeyView;
        return { data, lines: [formatKey(data)] };
      }),
    );
  keys
    .command('rotate')
    .description('Replace an API key by one with the same rights, and print it this once')
    .argument('<id>', 'the id of the key; see `tidings keys list`')
    .option('--overlap <duration>', 'for how long the old key still works, at most 30d', '24h')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { overlap: string; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const path = `/api/v1/keys/${encodeURIComponent(id)}/rotate`;
        const issued = (await api.post(path, { overlap: options.overlap })) as IssuedKey & { replaced: KeyView };
        const { data, lines, notes } = showIssued(issued);
        return { data, lines, notes: [...notes, `The key ${id} works until ${issued.replaced.expires_at}.`] };
      }),
    );
  keys
    .command('revoke')
    .description('End an API key at once')
    .argument('<id>', 'the id of the key; see `tidings keys list`')
    .option(...YES_OPTION)
    .option('--json', 'print one line of JSON')
    .action(async (id: string, options: { yes?: boolean; json?: boolean }) => {
      await confirm(`Requests with the key ${id} will be rejected.`, options.yes);
      return runApiCommand(options.json, async (api) => {
        const data = (await api.delete(`/api/v1/keys/${encodeURIComponent(id)}`)) as KeyView;
        return { data, lines: [`The key ${data.key_id} (${data.name}) is revoked.`] };
      });
    });
}

async function createOnDatabase(options: CreateOptions): Promise<void> {
  const now = Date.now();
  const { key, text } = await withTenantDatabase(process.env, 'tidings keys', 'left', (pool, _seal, tenantId) => {
    const manager = {
      tenantId,
      environment: environmentOf(tenantId),
      actor: systemActor('keys create', 'cli'),
      scopes: new Set(INSTALLATION_SCOPES),
    } as const;
    return new Keys(pool, Date.now)
      .create(manager, {
        name: options.name,
        environment: options.test ? 'test' : 'live',
        scopes: expandScopes(options),
        isInstallation: options.installation ?? false,
        perMinute: options.perMinute ?? null,
        expiresAt: options.expires === undefined ? null : now + options.expires,
      })
      .catch((error) => {
        throw error instanceof TidingsError ? new ConfigError(error.message) : error;
      });
  });
  printOutput(showIssued({ ...key, key: text }), options.json);
}

/** Returns the key as the only line, so that `KEY=$(tidings keys create …)` has it, and what to know about it as notes. */
function showIssued(issued: IssuedKey): Required<Pick<CommandOutput, 'data' | 'lines' | 'notes'>> {
  return {
    data: issued,
    lines: [issued.key],
    notes: [`This is the key ${issued.key_id} (${issued.name}). Keep it: it is not shown again.`],
  };
}

function formatKey(key: KeyView): string {
  const facts = [
    key.key_id,
    `…${key.last4}`,
    key.environment,
    key.status,
    `"${key.name}"`,
    key.is_installation ? 'of the installation' : '',
    key.expires_at === null ? '' : `until ${key.expires_at}`,
    key.last_used_at === null ? 'never used' : `last used ${key.last_used_at}`,
    key.scopes.join(','),
  ];
  return facts.filter(Boolean).join('  ');
}

function expandScopes({ scopes, installation }: CreateOptions): readonly Scope[] {
  if (scopes !== 'all') return scopes;
  return installation ? INSTALLATION_SCOPES : TENANT_SCOPES;
}

function parseScopes(text: string): readonly Scope[] | 'all' {
  if (text === 'all') return 'all';
  const names = text.split(',').map((name) => name.trim());
  const known: readonly string[] = SCOPES.filter((scope) => scope !== 'me');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names as Scope[];
  const nearest = findNearest(unknown, known);
  const right = nearest === undefined ? 'write' : `did you mean ${nearest}? Write`;
  throw new InvalidArgumentError(`"${unknown}" is not a scope of keys; ${right} all, or some of ${known.join(', ')}.`);
}

function parseTime(text: string): number {
  const parsed = parseDuration(text);
  if ('ms' in parsed) return parsed.ms;
  throw new InvalidArgumentError(`${parsed.message}; ${parsed.hint}.`);
}

function parseRate(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number of requests per minute, from 1 to 9999999.');
}
