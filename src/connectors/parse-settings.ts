import { ConfigError } from '../errors.ts';
import { readSecretVariable } from '../lib/secret-variable.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { splitList } from '../lib/text/split-list.ts';
import { CONNECTOR_SECRETS, type ConnectorSettings } from '../model/connector.ts';
import type { Environment } from '../settings/values.ts';

const PREFIX = 'TIDINGS_CONNECTOR_';
const SERVERS = 'TIDINGS_CONNECTOR_SERVERS';

/** Returns the beginning of the variables of a connector: `TIDINGS_CONNECTOR_CARD_NETWORK_` of `card_network`. */
export function toVariablePrefix(connector: string): string {
  return `${PREFIX}${connector.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_`;
}

/**
 * Reads what the environment says of connectors: servers on private networks, and secrets of the connectors of the tenant of the
 * installation. Which connectors there are is a matter of the catalog.
 * @throws ConfigError with the name of the variable and what to write; secrets are not quoted
 */
export function parseConnectorSettings(env: Environment, tenantId: string): ConnectorSettings {
  return { servers: parseServers(env[SERVERS]), tenantId, secrets: parseSecrets(env) };
}

function parseServers(value: string | undefined): readonly string[] {
  return splitList(value).map((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
    throw new ConfigError(
      `${SERVERS} has "${text}"; write URLs without a path such as http://10.0.0.5:8080, separated by commas`,
    );
  });
}

/** Returns secrets by their variables. */
function parseSecrets(env: Environment): ReadonlyMap<string, string> {
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && name !== SERVERS && env[name]);
  const found = new Map<string, string>();
  for (const name of new Set(names.map((one) => one.replace(/_FILE$/, '')))) {
    requireSecretName(name);
    const read = readSecretVariable(env, name);
    if ('fault' in read) throw new ConfigError(read.fault);
    if (read.value === undefined) throw new ConfigError(`${name}_FILE names a file that is empty`);
    found.set(name, read.value);
  }
  return found;
}

function requireSecretName(name: string): void {
  const endings = CONNECTOR_SECRETS.map((secret) => `_${secret.toUpperCase()}`);
  const rest = name.slice(PREFIX.length);
  if (endings.some((ending) => rest.endsWith(ending) && rest.length > ending.length)) return;
  const near = findNearest(name, [SERVERS]);
  const right =
    near === undefined
      ? `write ${PREFIX}NAME_SECRET with one of ${CONNECTOR_SECRETS.join(', ')}`
      : `did you mean ${near}?`;
  throw new ConfigError(`${name} is no secret of a connector; ${right}`);
}
