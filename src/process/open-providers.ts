import type { Logger } from 'pino';
import { describeIgnored, type Installation, openInstallation } from '../accounts/installation.ts';
import { describeUnused } from '../accounts/unused-variables.ts';
import type { ProviderTools } from '../channels/provider.ts';
import type { Config } from '../config.ts';
import { keepInInbox } from '../delivery/keep-in-inbox.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { InboxSignals } from '../store/inbox/inbox-signals.ts';
import type { Cleanup } from './cleanup.ts';
import type { ProcessDatabase } from './open-database.ts';

/** Connections to one host of a provider, which the accounts of all tenants share; above the sends at once of any account. */
const MAX_PROVIDER_CONNECTIONS = 256;

export type Providers = Omit<Installation, 'close'> & {
  /** Returns what accounts of tenants are opened with. */
  readonly getTools: () => Promise<ProviderTools>;
};

/** Opens a client for URLs of accounts and tenants. */
export type OpenClient = (maxConnections?: number) => Promise<GuardedClient>;

/** Loads it first: a process that sends nothing over HTTP starts without it. */
export const openGuardedClient: OpenClient = async (maxConnections) => {
  const { GuardedClient } = await import('../http-out/guarded-client.ts');
  return new GuardedClient(undefined, maxConnections);
};

/** Opens the accounts of the installation. @throws ConfigError that names the variable */
export async function openProviders(
  config: Config,
  { pool }: ProcessDatabase,
  seal: Seal,
  clock: () => Millis,
  log: Logger,
  cleanup: Cleanup,
  openClient: OpenClient,
): Promise<Providers> {
  const inboxSignals = new InboxSignals(pool);
  cleanup.push(() => inboxSignals.flush());
  const ignored = describeIgnored(config.environment);
  if (ignored !== undefined) log.warn(ignored);
  for (const unused of await describeUnused(config)) log.warn(unused);
  let client: Promise<GuardedClient> | undefined;
  const getClient = () => {
    client ??= openClient(MAX_PROVIDER_CONNECTIONS);
    return client;
  };
  cleanup.push(async () => (await client)?.close());
  const getTools = async () => ({ http: await getClient(), clock });
  const { providers, labels, close } = await openInstallation(
    config,
    getTools,
    (line) => log.warn(line, 'internal alert'),
    keepInInbox(pool, seal, clock, inboxSignals),
  );
  cleanup.push(close);
  return { providers, labels, getTools };
}
