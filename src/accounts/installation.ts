import { z } from 'zod';
import type { StoreInInbox } from '../channels/in-app/inbox.ts';
import type { ChosenProviders, EmailSender } from '../channels/parse-settings.ts';
import type { Provider, ProviderDefinition, ProviderTools } from '../channels/provider.ts';
import { DEFAULT_SUBSTITUTE, SUBSTITUTES } from '../channels/substitutes.ts';
import { ConfigError } from '../errors.ts';
import { splitList } from '../lib/text/split-list.ts';
import { unquote } from '../lib/text/unquote.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import type { Json, JsonObject } from '../model/event.ts';
import type { RateLimit } from '../model/rate-limit.ts';
import { openOwnProvider, requireProvider } from './open-account.ts';
import { findSettingsFaults } from './settings.ts';

type Environment = { readonly [name: string]: string | undefined };

/** Part of the configuration that is about the providers of the installation. */
export interface InstallationSettings extends ChosenProviders {
  readonly sender: EmailSender | null;
  readonly environment: Environment;
  /** Rate limits of its accounts, by provider; absent: what the provider allows an ordinary account. */
  readonly limits?: { readonly accounts: { readonly [provider: string]: RateLimit } };
}

/** The providers of the installation, open. */
export interface Installation {
  /** One of each channel. */
  readonly providers: Map<Channel, Provider>;
  /** The label of each provider by which messages leave this machine, by its name. */
  readonly labels: { readonly [provider: string]: string };
  close(): Promise<void>;
}

/** Pattern whose variables are ignored, with one sentence: other systems of this kind need such a server. */
const IGNORED = /^REDIS_/;

/**
 * Opens the provider of every channel: the one that was chosen, else the substitute.
 * @param getTools asked for if a provider needs them: a process without one does not load what they need
 * @param log writes an internal alert
 * @param store puts an in-app message into the inbox of its user
 * @throws ConfigError that names the variable, for each mistake in the environment
 */
export async function openInstallation(
  settings: InstallationSettings,
  getTools: () => ProviderTools | Promise<ProviderTools>,
  log: (line: object) => void,
  store?: StoreInInbox,
): Promise<Installation> {
  const providers = new Map<Channel, Provider>();
  const labels: { [provider: string]: string } = {};
  const opened: Provider[] = [];
  const close = async () => {
    await Promise.all(opened.map((provider) => provider.close()));
  };
  try {
    for (const [name, channels] of groupChannels(settings)) {
      const substitute = SUBSTITUTES[name];
      const account = substitute ? undefined : await readAccount(name, channels, settings);
      const provider = substitute
        ? substitute.open(channels, log, store)
        : await openNamed(account as InstallationAccount, await getTools());
      opened.push(provider);
      const limit = settings.limits?.accounts[name];
      if (limit && !substitute) Object.assign(provider, { limit });
      if (account) labels[name] = account.definition.label;
      for (const channel of channels) providers.set(channel, provider);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { providers, labels, close };
}

/** The account of the installation with a provider, as the environment gives it. */
export interface InstallationAccount {
  readonly definition: ProviderDefinition;
  readonly channels: readonly Channel[];
  readonly settings: JsonObject;
  /** The variable that gives each setting. */
  readonly variables: { readonly [setting: string]: string };
}

/** Returns the accounts of the installation. @throws ConfigError that names the variable */
export async function readInstallation(settings: InstallationSettings): Promise<InstallationAccount[]> {
  const named = [...groupChannels(settings)].filter(([name]) => !SUBSTITUTES[name]);
  return Promise.all(named.map(([name, channels]) => readAccount(name, channels, settings)));
}

/** Returns a sentence about variables that have no effect; undefined: no such variable is set. */
export function describeIgnored(environment: Environment): string | undefined {
  const names = Object.keys(environment).filter((name) => IGNORED.test(name) && environment[name] !== undefined);
  if (names.length === 0) return undefined;
  const are = names.length === 1 ? 'is' : 'are';
  return `${names.sort().join(', ')} ${are} ignored: Tidings needs no Redis, its queues and limits are in PostgreSQL.`;
}

/** Opens an account of the installation. @throws ConfigError that names the variable */
export async function openNamed(account: InstallationAccount, tools: ProviderTools): Promise<Provider> {
  try {
    return await openOwnProvider(account.definition, account.settings, tools);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(nameVariables(error.message, account.variables));
  }
}

function groupChannels({ providers }: InstallationSettings): Map<string, Channel[]> {
  const groups = new Map<string, Channel[]>();
  for (const channel of CHANNELS) {
    const name = providers[channel] ?? DEFAULT_SUBSTITUTE;
    groups.set(name, [...(groups.get(name) ?? []), channel]);
  }
  return groups;
}

async function readAccount(
  name: string,
  channels: readonly Channel[],
  { chosenBy, environment, sender }: InstallationSettings,
): Promise<InstallationAccount> {
  const definition = await requireProvider(name);
  const chosen = chosenBy[channels[0] as Channel] ?? 'TIDINGS_PROVIDERS';
  const wrong = channels.find((channel) => !definition.channels.includes(channel));
  if (wrong !== undefined) {
    const right = `it sends on ${definition.channels.join(', ')} only`;
    throw new ConfigError(`${chosenBy[wrong] ?? chosen} chooses ${name} for ${wrong}; ${right}`);
  }
  if (!definition.environment) {
    throw new ConfigError(
      `${chosen} chooses ${name}, which the environment cannot describe; save an account with POST /api/v1/provider-accounts`,
    );
  }
  const { defaults = {} } = definition.environment;
  const variables: { [setting: string]: string } = { ...definition.environment.variables };
  const settings: { [setting: string]: Json } = { ...defaults };
  const shape = (z.toJSONSchema(definition.settings, { io: 'input', unrepresentable: 'any' }) as SettingsSchema)
    .properties;
  for (const [setting, variable] of Object.entries(variables)) {
    const value = unquote(environment[variable]);
    if (value) settings[setting] = parseValue(value, shape[setting]?.type);
  }
  if (sender && Object.hasOwn(variables, 'from') && definition.channels.includes('email')) {
    settings.from = sender.text;
    variables.from = sender.variable;
  }
  for (const [setting, pattern] of Object.entries(definition.environment.patterns ?? {})) {
    const [before = '', after = ''] = pattern.split('*');
    const found = Object.entries(environment).filter(
      ([variable, value]) =>
        unquote(value) &&
        variable.startsWith(before) &&
        variable.endsWith(after) &&
        variable.length > before.length + after.length,
    );
    if (found.length === 0) continue;
    variables[setting] = pattern;
    settings[setting] = Object.fromEntries(
      found.map(([variable, value]) => [
        variable.slice(before.length, variable.length - after.length),
        unquote(value) as string,
      ]),
    );
  }
  checkSettings(definition, settings, variables, chosen);
  return { definition, channels, settings, variables };
}

interface SettingsSchema {
  readonly properties: { readonly [setting: string]: { readonly type?: string } };
}

/** Returns the value of a variable as the schema of its setting wants it. A list is written with commas. */
function parseValue(text: string, type: string | undefined): Json {
  if (type === 'array') return splitList(text);
  if (type === 'number' || type === 'integer') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (type === 'boolean')
    return /^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off)$/i.test(text) ? false : text;
  return text;
}

function checkSettings(
  definition: ProviderDefinition,
  settings: JsonObject,
  variables: { readonly [setting: string]: string },
  chosen: string,
): void {
  const faults = findSettingsFaults(definition, settings, []);
  const missing = faults
    .map(({ pointer }) => pointer.slice(1))
    .filter((setting) => settings[setting] === undefined && variables[setting] !== undefined)
    .map((setting) => variables[setting]);
  if (missing.length > 0) {
    throw new ConfigError(
      `${chosen} chooses ${definition.name}, which needs ${missing.join(', ')}; set what is missing`,
    );
  }
  const [fault] = faults;
  if (!fault) return;
  const [, setting = '', name] = fault.pointer.split('/');
  const variable = variables[setting];
  const message = fault.message.replace(/\.$/, '');
  if (variable === undefined) throw new ConfigError(`${chosen}: ${nameVariables(message, variables)}`);
  const isOneOfPattern = variable.includes('*') && name !== undefined;
  throw new ConfigError(
    isOneOfPattern
      ? message.replace(`${setting}.${name}`, variable.replace('*', name))
      : message.replace(setting, variable),
  );
}

/** Returns a message about settings as one about variables. */
function nameVariables(message: string, variables: { readonly [setting: string]: string }): string {
  return message.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (word) => variables[word] ?? word);
}
