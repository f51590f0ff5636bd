import { z } from 'zod';
import { listProviderNames, loadProvider } from '../channels/registry.ts';
import { listSecrets } from '../channels/secret-setting.ts';
import type { Channel } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';

/** A provider as the API shows it. */
export interface ProviderDescription {
  readonly provider: string;
  /** Its name in texts: `Amazon SES`. */
  readonly label: string;
  readonly channels: readonly Channel[];
  /** Names of the settings that are secrets. */
  readonly secrets: readonly string[];
  /** JSON schema of the settings. */
  readonly settings: JsonObject;
}

let described: Promise<readonly ProviderDescription[]> | undefined;

/** Describes every provider, in order of the registry. Loads all of them, once. */
export function describeProviders(): Promise<readonly ProviderDescription[]> {
  described ??= Promise.all(listProviderNames().map(describe));
  return described;
}

async function describe(name: string): Promise<ProviderDescription> {
  const definition = await loadProvider(name);
  if (!definition) throw new Error(`the provider ${name} is in the registry, and cannot be loaded`);
  const { label, channels, settings } = definition;
  const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' }) as JsonObject;
  return { provider: name, label, channels, secrets: listSecrets(settings), settings: schema };
}
