import type { Provider, ProviderDefinition, ProviderTools } from '../channels/provider.ts';
import { listProviderNames, loadProvider } from '../channels/registry.ts';
import { ConfigError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
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
 * @throws ConfigError for settings that are not valid
 */
export async function openProvider(
  definition: ProviderDefinition,
  settings: JsonObject,
  tools: ProviderTools,
): Promise<Provider> {
  const [fault] = findSettingsFaults(definition, settings, []);
  if (fault) throw new ConfigError(fault.message);
  const provider = await definition.open(definition.settings.parse(settings), tools);
  return withDefaults(provider, definition);
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
