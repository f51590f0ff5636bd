import { ConfigError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import { type ChannelLimits, findRateFault, type RateLimit } from '../model/rate-limit.ts';
import { listProviderNames } from './registry.ts';

/** Rate limits that the installation sets. */
export interface InstallationLimits {
  readonly channels: ChannelLimits;
  /** Limits of the accounts of the installation, by provider; absent: what the provider allows an ordinary account. */
  readonly accounts: { readonly [provider: string]: RateLimit };
}

const SCOPES = ['global', 'tenant', 'user'];
const EXAMPLE =
  '{"sms": {"global": {"per_second": 20}, "user": {"per_day": 10}}, "accounts": {"ses": {"per_second": 200}}}';

/**
 * Reads the limits of the installation from JSON: by channel and scope, and those of its accounts by provider.
 * @param text absent or empty: no limits
 * @throws ConfigError that names the place in it
 */
export function parseInstallationLimits(variable: string, text: string | undefined): InstallationLimits {
  if (!text) return { channels: {}, accounts: {} };
  const { accounts = {}, ...channels } = readObject(variable, text);
  for (const [channel, scopes] of Object.entries(channels)) {
    requireKnown(variable, channel, [...CHANNELS, 'accounts']);
    for (const [scope, limit] of Object.entries(requireObject(`${variable}: ${channel}`, scopes))) {
      requireKnown(`${variable}: ${channel}`, scope, SCOPES);
      requireRate(`${variable}: ${channel}.${scope}`, limit);
    }
  }
  for (const [provider, limit] of Object.entries(requireObject(`${variable}: accounts`, accounts))) {
    requireKnown(`${variable}: accounts`, provider, listProviderNames());
    requireRate(`${variable}: accounts.${provider}`, limit);
  }
  return {
    channels: channels as { readonly [channel in Channel]?: object },
    accounts: accounts as InstallationLimits['accounts'],
  };
}

function readObject(variable: string, text: string): { readonly [name: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError(`${variable} is not JSON; write, for example, ${EXAMPLE}`);
  }
  return requireObject(variable, value);
}

function requireObject(place: string, value: unknown): { readonly [name: string]: unknown } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as { [name: string]: unknown };
  throw new ConfigError(`${place} must be an object; write, for example, ${EXAMPLE}`);
}

function requireKnown(place: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const near = findNearest(name, known);
  const right = near === undefined ? `write one of ${known.join(', ')}` : `did you mean ${near}?`;
  throw new ConfigError(`${place} has ${JSON.stringify(name.slice(0, 60))}, which is not known; ${right}`);
}

function requireRate(place: string, limit: unknown): void {
  const fault = findRateFault(limit);
  if (fault) throw new ConfigError(`${place}${fault.field === undefined ? '' : `.${fault.field}`} ${fault.message}`);
}
