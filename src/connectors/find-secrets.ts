import { CONNECTOR_SECRETS, type ConnectorSecret, type ConnectorSettings } from '../model/connector.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadSecrets, type Secrets } from '../store/connectors/secrets.ts';
import type { Connection } from '../store/pg/pool.ts';
import { toVariablePrefix } from './parse-settings.ts';

/** Reason of a task that waits for a secret. */
export const SECRET_MISSING = 'secret_missing';

/** Secrets that the environment gives connectors of the tenant of the installation. */
export type EnvironmentSecrets = Pick<ConnectorSettings, 'tenantId' | 'secrets'>;

/** Returns the secrets of a connector that the environment gives. */
export function findEnvironmentSecrets(
  { tenantId: own, secrets }: EnvironmentSecrets,
  tenantId: string,
  connector: string,
): { readonly [secret in ConnectorSecret]?: string } {
  if (tenantId !== own || secrets.size === 0) return {};
  const prefix = toVariablePrefix(connector);
  const found = CONNECTOR_SECRETS.map((secret) => [secret, secrets.get(prefix + secret.toUpperCase())] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** Returns the secrets of a connector: one that the environment gives counts, in place of one that was set. */
export async function findSecrets(
  { seal, environment }: { readonly seal: Seal; readonly environment: EnvironmentSecrets },
  connection: Connection,
  tenantId: string,
  connector: string,
): Promise<Secrets> {
  const stored = await loadSecrets(connection, seal, tenantId, connector);
  return { ...stored, ...findEnvironmentSecrets(environment, tenantId, connector) };
}
