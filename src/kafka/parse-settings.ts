import { readFileSync } from 'node:fs';
import { ConfigError } from '../errors.ts';
import { readSecretVariable } from '../lib/secret-variable.ts';
import { splitList } from '../lib/text/split-list.ts';
import { type KafkaSettings, SASL_MECHANISMS, type SaslMechanism } from '../model/kafka.ts';
import { SOURCE_STARTS } from '../model/source.ts';
import { isTenantId } from '../model/tenant.ts';
import { type Environment, parseFlag } from '../settings/values.ts';

const MAX_ALLOWED = 1000;

/**
 * Reads how Kafka is reached. Returns null if it is not configured.
 * @throws ConfigError with the name of the variable and what to write; secrets are not quoted
 */
export function parseKafkaSettings(env: Environment): KafkaSettings | null {
  const brokers = splitList(env.TIDINGS_KAFKA_BROKERS);
  if (brokers.length === 0) {
    const other = Object.keys(env).find((name) => name.startsWith('TIDINGS_KAFKA_') && env[name]);
    if (other !== undefined && other !== 'TIDINGS_KAFKA_BROKERS')
      throw new ConfigError(
        `${other} is set without TIDINGS_KAFKA_BROKERS; set the brokers as well, such as kafka-1:9092`,
      );
    return null;
  }
  for (const broker of brokers) {
    const [, port] = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(broker) ?? [];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535)
      throw new ConfigError(
        `TIDINGS_KAFKA_BROKERS has "${broker.slice(0, 100)}"; write host:port, separated by commas`,
      );
  }
  return {
    brokers,
    clientId: parseName('TIDINGS_KAFKA_CLIENT_ID', env.TIDINGS_KAFKA_CLIENT_ID || 'tidings'),
    group: parseName('TIDINGS_KAFKA_GROUP', env.TIDINGS_KAFKA_GROUP || 'tidings'),
    sasl: parseSasl(env),
    ca: parseTls(env),
    start: parseWord('TIDINGS_KAFKA_START', env.TIDINGS_KAFKA_START || 'earliest', SOURCE_STARTS),
    out: {
      rate: parseCount(env, 'TIDINGS_KAFKA_RATE', 10_000, 'messages per second', 1_000_000),
      maxWaiting: parseCount(env, 'TIDINGS_KAFKA_MAX_WAITING', 1_000_000, 'messages', 1_000_000_000),
      maxWaitingBytes: parseCount(env, 'TIDINGS_KAFKA_MAX_WAITING_MB', 1024, 'megabytes', 1_000_000) * 1024 * 1024,
    },
    allowed: parseAllowed(env.TIDINGS_KAFKA_TOPICS),
  };
}

function parseSasl(env: Environment): KafkaSettings['sasl'] {
  const { TIDINGS_KAFKA_SASL_MECHANISM: mechanism, TIDINGS_KAFKA_USERNAME: username } = env;
  const password = readSecret(env, 'TIDINGS_KAFKA_PASSWORD');
  if (!mechanism && !username && !password) return null;
  if (!username || !password)
    throw new ConfigError(
      'the login to Kafka needs TIDINGS_KAFKA_USERNAME and TIDINGS_KAFKA_PASSWORD (or TIDINGS_KAFKA_PASSWORD_FILE)',
    );
  return {
    mechanism: parseWord<SaslMechanism>(
      'TIDINGS_KAFKA_SASL_MECHANISM',
      (mechanism || 'SCRAM-SHA-512').toUpperCase(),
      SASL_MECHANISMS,
    ),
    username,
    password,
  };
}

function parseTls(env: Environment): string | null {
  const { TIDINGS_KAFKA_TLS: tls, TIDINGS_KAFKA_CA: ca } = env;
  if (!parseFlag('TIDINGS_KAFKA_TLS', tls, Boolean(ca))) {
    if (ca) throw new ConfigError('TIDINGS_KAFKA_CA is set, but TIDINGS_KAFKA_TLS is false; set only one of them');
    return null;
  }
  return ca ? readFile('TIDINGS_KAFKA_CA', ca) : '';
}

/** Returns the value of a variable, or the content of the file that the variable with `_FILE` names. */
function readSecret(env: Environment, name: string): string | undefined {
  const read = readSecretVariable(env, name);
  if ('fault' in read) throw new ConfigError(read.fault);
  return read.value;
}

function readFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parseName(name: string, value: string): string {
  if (/^[A-Za-z0-9._-]{1,200}$/.test(value)) return value;
  throw new ConfigError(`${name} is "${value.slice(0, 100)}"; it must be 1 to 200 letters, digits, . _ and -`);
}

function parseWord<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const word = allowed.find((one) => one === value);
  if (word !== undefined) return word;
  throw new ConfigError(`${name} is "${value.slice(0, 100)}"; it must be one of ${allowed.join(', ')}`);
}

function parseCount(env: Environment, name: string, usual: number, unit: string, most: number): number {
  const count = Number(env[name] || usual);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new ConfigError(`${name} is "${env[name]?.slice(0, 100)}"; it must be a number of ${unit}, from 1 to ${most}`);
}

/** `acme=acme.*,beta=beta.events`: topics that other tenants than that of the installation may read and write. */
function parseAllowed(value: string | undefined): KafkaSettings['allowed'] {
  const items = splitList(value);
  if (items.length > MAX_ALLOWED) throw new ConfigError(`TIDINGS_KAFKA_TOPICS has more than ${MAX_ALLOWED} entries`);
  return items.map((item) => {
    const [tenantId = '', topic = ''] = item.split('=');
    if (isTenantId(tenantId) && /^[A-Za-z0-9._-]{1,249}\*?$/.test(topic)) return { tenantId, topic };
    throw new ConfigError(
      `TIDINGS_KAFKA_TOPICS has "${item.slice(0, 100)}"; write TENANT=TOPIC, or TENANT=PREFIX*, separated by commas`,
    );
  });
}
