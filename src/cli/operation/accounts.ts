import { type Command, InvalidArgumentError } from 'commander';
import type { AccountView } from '../../accounts/accounts.ts';
import type { ProviderDescription } from '../../accounts/describe-providers.ts';
import { ConfigError } from '../../errors.ts';
import { findRateFault, type RateLimit } from '../../model/rate-limit.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { readSecretFile, readSecretVariable } from '../read-secret.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

interface SettingOptions {
  readonly settings?: string;
  readonly set: readonly Pair[];
  readonly secretEnv: readonly Pair[];
  readonly secretFile: readonly Pair[];
  readonly channels?: string;
  readonly place?: number;
  /** `none`: that of the provider. */
  readonly limits?: RateLimit | 'none';
  readonly enable?: boolean;
  readonly disable?: boolean;
  /** `none`: by itself again. */
  readonly failoverTo?: string;
  readonly json?: boolean;
}

type Pair = readonly [name: string, value: string];

/** Adds the commands `accounts list|create|update|delete`. */
export function addAccountsCommands(program: Command): void {
  const accounts = program
    .command('accounts')
    .description('Manage the accounts of a tenant with providers, over the API of a running Tidings (TIDINGS_URL)');
  accounts
    .command('list')
    .description('List the accounts in order of choice')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/provider-accounts')) as { readonly accounts: readonly AccountView[] };
        const lines = data.accounts.map(formatAccount);
        return { data, lines: lines.length > 0 ? lines : ['no accounts: those of the installation are used'] };
      }),
    );
  addSettings(accounts.command('create').description('Save an account with a provider').argument('<name>'))
    .requiredOption('--provider <name>', 'the provider, as `tidings providers list` names it')
    .action((name: string, { provider, ...options }: SettingOptions & { provider: string }) =>
      runApiCommand(options.json, async (api) => {
        const settings = await readSettings(api, provider, options);
        return toResult(
          await api.post('/api/v1/provider-accounts', { account: name, provider, settings, ...toBody(options) }),
        );
      }),
    );
  addSettings(
    accounts.command('update').description('Change settings of an account; what is not given stays').argument('<name>'),
  )
    .option(
      '--failover-to <name>',
      'another account that its messages go by until that is undone; none: by itself again',
    )
    .action((name: string, options: SettingOptions) =>
      runApiCommand(options.json, async (api) => {
        const { provider } = (await api.get(toPath(name))) as AccountView;
        const settings = await readSettings(api, provider, options);
        const isChanged = Object.keys(settings).length > 0;
        return toResult(await api.patch(toPath(name), { ...(isChanged ? { settings } : {}), ...toBody(options) }));
      }),
    );
  accounts
    .command('delete')
    .description('Delete an account: nothing more is sent by it')
    .argument('<name>')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (name: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Delete the account ${name} with its secrets?`, yes);
      return runApiCommand(json, async (api) => toResult(await api.delete(toPath(name))));
    });
}

function addSettings(command: Command): Command {
  return command
    .option('--settings <file>', 'JSON file with settings, secrets too; - is standard input')
    .option('--set <name=value>', 'a setting that is no secret; may be given several times', addPair, [])
    .option('--secret-env <name=VARIABLE>', 'a secret, from an environment variable', addPair, [])
    .option('--secret-file <name=file>', 'a secret, from a file', addPair, [])
    .option('--channels <list>', 'channels that it is for, separated by commas')
    .option(
      '--limits <list>',
      'rate limit, such as per_second=14,per_day=50000,burst=5; none: that of the provider',
      parseLimits,
    )
    .option('--place <n>', 'order of choice, from 1', parsePlace)
    .option('--enable', 'send by it')
    .option('--disable', 'send nothing by it')
    .option(...JSON_OPTION);
}

function addPair(text: string, before: readonly Pair[]): readonly Pair[] {
  const [, name, value] = /^([a-z][a-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write NAME=VALUE.');
  return [...before, [name, value]];
}

function parsePlace(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number from 1.');
}

function parseLimits(text: string): RateLimit | 'none' {
  if (text === 'none') return text;
  const limit = Object.fromEntries(
    text.split(',').map((item) => {
      const [name = '', value = ''] = item.split('=');
      return [name.trim(), /^\d+$/.test(value.trim()) ? Number(value) : value];
    }),
  );
  const fault = findRateFault(limit);
  if (fault) throw new InvalidArgumentError(`${fault.field ?? 'It'} ${fault.message}.`);
  return limit as RateLimit;
}

function toBody({ channels, place, limits, enable, disable, failoverTo }: SettingOptions): object {
  if (enable && disable) throw new ConfigError('--enable and --disable exclude each other; write one of them');
  return {
    ...(channels === undefined ? {} : { channels: channels.split(',').map((channel) => channel.trim()) }),
    ...(place === undefined ? {} : { place }),
    ...(limits === undefined ? {} : { limits: limits === 'none' ? null : limits }),
    ...(failoverTo === undefined ? {} : { failover_to: failoverTo === 'none' ? null : failoverTo }),
    ...(enable || disable ? { enabled: enable === true } : {}),
  };
}

/** Returns the settings that the options give, each with the type that its provider wants. */
async function readSettings(api: ApiClient, provider: string, options: SettingOptions): Promise<object> {
  const { set, secretEnv, secretFile } = options;
  const settings: { [name: string]: unknown } = options.settings === undefined ? {} : readJson(options.settings);
  for (const [name, variable] of secretEnv) {
    settings[name] = readSecretVariable(`--secret-env ${name}=${variable}`, variable);
  }
  for (const [name, file] of secretFile) settings[name] = readSecretFile(file).trim();
  if (set.length === 0) return settings;
  const { providers } = (await api.get('/api/v1/providers')) as { readonly providers: readonly ProviderDescription[] };
  const description = providers.find((one) => one.provider === provider);
  const properties = (description?.settings.properties ?? {}) as {
    readonly [name: string]: { readonly type?: string };
  };
  for (const [name, value] of set) {
    if (description?.secrets.includes(name)) {
      throw new ConfigError(
        `${name} is a secret, which other users could read in an option; write --secret-env or --secret-file`,
      );
    }
    settings[name] = parseValue(value, properties[name]?.type);
  }
  return settings;
}

function parseValue(text: string, type: string | undefined): unknown {
  if (type === undefined || type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readJson(file: string): { [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(readSecretFile(file));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  // Without the text, which may hold secrets.
  throw new ConfigError(`--settings ${file}: there is no JSON object in it`);
}

function toPath(name: string): string {
  return `/api/v1/provider-accounts/${encodeURIComponent(name)}`;
}

function toResult(data: unknown): { data: unknown; lines: string[] } {
  return { data, lines: [formatAccount(data as AccountView)] };
}

function formatAccount(view: AccountView): string {
  const { account, provider, channels, enabled, failover_to: failoverTo, place, secrets } = view;
  const state = `${enabled ? 'enabled' : 'disabled'}${failoverTo === null ? '' : `, fails over to ${failoverTo}`}`;
  const set = secrets.length === 0 ? 'no secrets' : `secrets set: ${secrets.join(', ')}`;
  return `${account}  ${provider}  ${channels.join(', ')}  place ${place}  ${state}  ${set}`;
}
