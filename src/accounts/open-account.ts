import { z } from 'zod';
import { listDestinations } from '../channels/destinations.ts';
import type { Provider, ProviderDefinition, ProviderTools } from '../channels/provider.ts';
import { listProviderNames, loadProvider } from '../channels/registry.ts';
import { ConfigError, type ProblemPart } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { toJsonPointer } from '../lib/text/json-pointer.ts';
import type { JsonObject } from '../model/event.ts';
import { toProviderLimit } from '../model/rate-limit.ts';
import type { Seal } from '../privacy/seal.ts';
import { openSecrets, type SealedAccount } from '../store/accounts.ts';
import { findSettingsFaults } from './settings.ts';

/** Returns the definition of a provider. @throws ConfigError that names the nearest one, if no provider has this name */
export async function requireProvider(name: string): Promise<ProviderDefinition> {
  const definition = await loadProvider(name);
  if (definition) return definition;
  const names = listProviderNames();
  const near = findNearest(name, names);
  const right = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`;
  throw new ConfigError(`There is no provider "${name.slice(0, 60)}"; ${right}`.replace(/([^?])$/, '$1.'));
}

/**
 * Opens a provider with settings, which include the secrets.
 * @throws ConfigError for settings that are not valid; DestinationError for a URL that the client does not connect to
 */
export async function openProvider(
  definition: ProviderDefinition,
  settings: JsonObject,
  tools: ProviderTools,
): Promise<Provider> {
  const [fault] = findSettingsFaults(definition, settings, []);
  if (fault) throw new ConfigError(fault.message);
  const parsed = definition.settings.parse(settings);
  const provider = await definition.open(parsed, tools);
  // After opening, whose message about a URL that cannot be parsed says more. Opening connects to nothing.
  const wrong = findDestinationFault(definition, parsed, tools);
  if (wrong === undefined) return withDefaults(provider, definition);
  await provider.close();
  throw wrong;
}

/** A URL among the settings that the client of the tools does not connect to. */
export class DestinationError extends ConfigError {
  /** Path of the setting. */
  readonly path: readonly string[];

  constructor(path: readonly string[], fault: string) {
    super(`${path.join('.')} ${fault}; write the URL of a server on the public internet.`);
    this.path = path;
  }
}

/**
 * Returns what is wrong with the settings with which a provider cannot be opened, at the setting that the message begins with,
 * under its own name or that of its environment variable; at all settings if it begins with none.
 */
export function toOpeningFault(definition: ProviderDefinition, error: ConfigError): ProblemPart {
  const [first = ''] = error.message.split(/[ .]/, 1);
  const variables = Object.entries(definition.environment?.variables ?? {});
  const isSetting = definition.settings instanceof z.ZodObject && Object.hasOwn(definition.settings.shape, first);
  const setting = isSetting ? first : variables.find(([, variable]) => variable === first)?.[0];
  const path = error instanceof DestinationError ? error.path : setting === undefined ? [] : [setting];
  const rest = setting === undefined ? `: ${error.message}` : `.${setting}${error.message.slice(first.length)}`;
  return { pointer: toJsonPointer(['settings', ...path]), message: `settings${rest}` };
}

/** Opens a provider of the installation: its operator may choose servers on private networks. @throws as `openProvider` */
export function openOwnProvider(
  definition: ProviderDefinition,
  settings: JsonObject,
  { http, ...tools }: ProviderTools,
): Promise<Provider> {
  const parsed = definition.settings.safeParse(settings);
  const urls = parsed.success ? listDestinations(definition.settings, parsed.data).map(({ url }) => url) : [];
  return openProvider(definition, settings, { ...tools, http: http.exempting(urls) });
}

function findDestinationFault(
  { settings: schema }: ProviderDefinition,
  settings: unknown,
  { http }: ProviderTools,
): DestinationError | undefined {
  for (const { path, url } of listDestinations(schema, settings)) {
    const fault = /^smtps?:/i.test(url) ? http.findServerFault(url) : http.findFault(url);
    if (fault !== undefined) return new DestinationError(path, fault);
  }
  return undefined;
}

/** Adds what the provider allows an ordinary account, where the open one does not say. The provider keeps its own `this`. */
function withDefaults(provider: Provider, { defaults }: ProviderDefinition): Provider {
  const { perSecond, maxMillis } = defaults;
  const limit = perSecond === undefined ? {} : { limit: toProviderLimit(perSecond) };
  return Object.assign(provider, { maxMillis, ...limit, ...provider });
}

/**
 * Opens an account as it is stored.
 * @throws ConfigError if its secrets cannot be opened with the keys of this process, or its settings are no longer valid
 */
export async function openAccount(seal: Seal, account: SealedAccount, tools: ProviderTools): Promise<Provider> {
  const secrets = openSecrets(seal, account);
  if (secrets === undefined) {
    throw new ConfigError('its secrets cannot be opened with the current encryption key; write them again.');
  }
  return openProvider(await requireProvider(account.provider), { ...account.settings, ...secrets }, tools);
}
