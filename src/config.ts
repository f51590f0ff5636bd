import { resolve } from 'node:path';
import { type InstallationLimits, parseInstallationLimits } from './channels/installation-limits.ts';
import { type ChosenProviders, type EmailSender, parseProviders, parseSender } from './channels/parse-settings.ts';
import { parseConnectorSettings } from './connectors/parse-settings.ts';
import { ConfigError } from './errors.ts';
import { parseKafkaSettings } from './kafka/parse-settings.ts';
import { splitList } from './lib/text/split-list.ts';
import type { ConnectorSettings } from './model/connector.ts';
import { DEFAULT_TENANT, type Millis } from './model/event.ts';
import type { KafkaSettings } from './model/kafka.ts';
import type { RetentionPeriods } from './model/retention-policy.ts';
import { isTenantId, TENANT_ID_HINT } from './model/tenant.ts';
import { parseDatabaseUrl, parseFurtherDatabaseUrl } from './settings/database-url.ts';
import { loadEncryptionKeys } from './settings/encryption-keys.ts';
import { parseRetention } from './settings/retention.ts';
import { type Environment, parseDurationSetting, parseFlag, parsePort, parseTimeOfDay } from './settings/values.ts';
import {
  LOOPBACK,
  type OidcSettings,
  parseOidc,
  parseOrigins,
  parseTrustedProxies,
  parseWebUrl,
} from './settings/web.ts';
import { parseTelemetry, type TelemetrySettings } from './telemetry/settings.ts';

/** All settings from the environment, resolved once: there are no optional ones. */
export interface Config extends ChosenProviders {
  readonly host: string;
  readonly port: number;
  /** Port for the probes of a process without the API; null: none is configured. */
  readonly healthPort: number | null;
  /** URL of an external PostgreSQL; null: the embedded one in `dataDir`. */
  readonly databaseUrl: string | null;
  /** URL under which the API reads and changes rows of tenants; null: Tidings makes this login itself, where it may. */
  readonly apiDatabaseUrl: string | null;
  /** URL of an external PostgreSQL past its connection pooler, for what a session has to keep; null: that of `databaseUrl`. */
  readonly directDatabaseUrl: string | null;
  /** URL of a streaming replica that answers some reads; null: there is no replica. */
  readonly replicaDatabaseUrl: string | null;
  /** Longest time (ms) that the replica may be behind to be read. */
  readonly replicaMaxLag: Millis;
  readonly dataDir: string;
  readonly catalogDir: string;
  /** Tenant that the catalog directory, and a command on the database, is for. */
  readonly tenant: string;
  /** Whether the catalog is applied again when one of its files changes. */
  readonly watchCatalog: boolean;
  /** Empty: no authentication, and the server listens on loopback only. */
  readonly apiKeys: readonly string[];
  /** URL under which browsers reach the console, without a slash at its end; null: that of the server itself. */
  readonly publicUrl: string | null;
  /** OpenID provider of the members who log in to the console. Null: no login by one. */
  readonly oidc: OidcSettings | null;
  /** Requests per minute of an API key that has no limit of its own. */
  readonly keyRate: number;
  /** Proxies whose `x-forwarded-for` is believed: addresses and networks. */
  readonly trustedProxies: readonly string[];
  readonly connectors: ConnectorSettings;
  /** Origins whose pages may call /api/v1/me with the token of a user; `*`: every origin. */
  readonly allowedOrigins: readonly string[];
  /** 32 bytes, for sealing addresses. */
  readonly encryptionKey: Buffer;
  /** Further keys, which open what was sealed under them before; see `tidings keys rotate-encryption`. */
  readonly otherEncryptionKeys: readonly Buffer[];
  /** Rate limits of the channels and accounts of the installation. */
  readonly limits: InstallationLimits;
  /** The sender of email of the installation; null: none is given. */
  readonly sender: EmailSender | null;
  /** The environment itself, for the settings of providers: their definitions name the variables. */
  readonly environment: Environment;
  /** Lease duration (ms): how long a claimed delivery stays reserved after the worker's last heartbeat. */
  readonly lease: Millis;
  /** Interval (ms) at which workers look at their queues, for when a NOTIFY was missed. */
  readonly poll: Millis;
  /** Users per second whose waits and schedules one process fires, at most: a backlog is worked off at this rate. */
  readonly timerRate: number;
  /** Longest time (ms) that an event time may lie in the future. */
  readonly maxFuture: Millis;
  /** Time of day (ms after midnight in UTC, by the clock of the database) of the daily retention job; null: never. */
  readonly retentionAt: Millis | null;
  readonly retention: RetentionPeriods;
  /** Scheduled dumps: the folder, the interval (ms), and how many are kept; null: no dump is made. */
  readonly dumps: { readonly folder: string; readonly every: Millis; readonly keep: number } | null;
  /** Whether a start brings the schema up to date; otherwise `tidings migrate` does. */
  readonly migrates: boolean;
  /** Brokers of Kafka and the login there; null: it is not used. */
  readonly kafka: KafkaSettings | null;
  readonly logLevel: string;
  readonly telemetry: TelemetrySettings;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * Reads the settings from the environment.
 * @param defaults.catalogDir the catalog directory if none is configured
 * @throws ConfigError with the name of the variable and what to write
 */
export function readConfig(env: Environment, defaults: { readonly catalogDir: string }): Config {
  const apiKeys = splitList(env.TIDINGS_API_KEYS ?? env.TIDINGS_API_KEY);
  for (const key of apiKeys) {
    if (key.length < 16) throw new ConfigError('TIDINGS_API_KEYS: a key needs at least 16 characters');
  }
  const host = env.HOST || 'localhost';
  const oidc = parseOidc(env);
  if (!LOOPBACK.test(host) && apiKeys.length === 0 && !oidc) {
    throw new ConfigError(
      `HOST is ${host}, which other machines can reach, but no API key is configured; set TIDINGS_API_KEYS, or set HOST to 127.0.0.1`,
    );
  }
  const port = parsePort('PORT', env.PORT || '8000');
  const healthPort = env.TIDINGS_HEALTH_PORT ? parsePort('TIDINGS_HEALTH_PORT', env.TIDINGS_HEALTH_PORT) : null;
  const dataDir = resolve(env.TIDINGS_DATA_DIR || '.tidings');
  const [encryptionKey, ...otherEncryptionKeys] = loadEncryptionKeys(env.TIDINGS_ENCRYPTION_KEY, dataDir);
  const tenant = parseTenant(env.TIDINGS_TENANT || DEFAULT_TENANT);
  const logLevel = env.TIDINGS_LOG_LEVEL || 'info';
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new ConfigError(`TIDINGS_LOG_LEVEL is "${logLevel}"; it must be one of ${LOG_LEVELS.join(', ')}`);
  }
  return {
    host,
    port,
    healthPort,
    databaseUrl: parseDatabaseUrl('DATABASE_URL', env.DATABASE_URL),
    apiDatabaseUrl: parseFurtherDatabaseUrl('TIDINGS_API_DATABASE_URL', env),
    directDatabaseUrl: parseFurtherDatabaseUrl('TIDINGS_DIRECT_DATABASE_URL', env),
    replicaDatabaseUrl: parseFurtherDatabaseUrl('TIDINGS_REPLICA_DATABASE_URL', env),
    replicaMaxLag: parseDurationSetting('TIDINGS_REPLICA_MAX_LAG', env.TIDINGS_REPLICA_MAX_LAG || '30s', '1h'),
    dataDir,
    catalogDir: resolve(env.TIDINGS_CATALOG || defaults.catalogDir),
    tenant,
    watchCatalog: parseFlag('TIDINGS_WATCH', env.TIDINGS_WATCH, env.NODE_ENV !== 'production'),
    apiKeys,
    publicUrl: env.TIDINGS_PUBLIC_URL ? parseWebUrl('TIDINGS_PUBLIC_URL', env.TIDINGS_PUBLIC_URL) : null,
    oidc,
    keyRate: parseKeyRate(env.TIDINGS_KEY_RATE),
    trustedProxies: parseTrustedProxies(env.TIDINGS_TRUSTED_PROXIES),
    connectors: parseConnectorSettings(env, tenant),
    allowedOrigins: parseOrigins(env.TIDINGS_ALLOWED_ORIGINS),
    encryptionKey,
    otherEncryptionKeys,
    ...parseProviders(env),
    limits: parseInstallationLimits('TIDINGS_LIMITS', env.TIDINGS_LIMITS),
    sender: parseSender(env),
    environment: env,
    lease: parseDurationSetting('TIDINGS_LEASE', env.TIDINGS_LEASE || '30s', '1h'),
    poll: parseDurationSetting('TIDINGS_POLL', env.TIDINGS_POLL || '1s', '1h'),
    maxFuture: parseDurationSetting('TIDINGS_MAX_FUTURE', env.TIDINGS_MAX_FUTURE || '24h', '3650d'),
    timerRate: parseTimerRate(env.TIDINGS_TIMER_RATE),
    retentionAt: parseTimeOfDay('TIDINGS_RETENTION_AT', env.TIDINGS_RETENTION_AT || '03:30'),
    retention: parseRetention(env),
    dumps: parseDumps(env),
    kafka: parseKafkaSettings(env),
    migrates: parseFlag('TIDINGS_MIGRATE', env.TIDINGS_MIGRATE, true),
    logLevel,
    telemetry: parseTelemetry(env, parseFlag('TIDINGS_METRICS', env.TIDINGS_METRICS, false)),
  };
}

function parseTenant(value: string): string {
  if (isTenantId(value)) return value;
  throw new ConfigError(`TIDINGS_TENANT is ${JSON.stringify(value)}, which is no id of a tenant; ${TENANT_ID_HINT}`);
}

function parseTimerRate(value: string | undefined): number {
  const rate = Number(value || 500);
  if (Number.isFinite(rate) && rate >= 1 && rate <= 100_000) return rate;
  throw new ConfigError(`TIDINGS_TIMER_RATE is "${value}"; it must be a number of users per second, from 1 to 100000`);
}

const MAX_KEY_RATE = 10_000_000;

function parseKeyRate(value: string | undefined): number {
  const rate = Number(value || 6000);
  if (Number.isInteger(rate) && rate >= 1 && rate <= MAX_KEY_RATE) return rate;
  throw new ConfigError(
    `TIDINGS_KEY_RATE is "${value}"; it must be a number of requests per minute, from 1 to ${MAX_KEY_RATE}`,
  );
}

const MAX_KEPT_DUMPS = 1000;

function parseDumps(env: Environment): Config['dumps'] {
  const keep = Number(env.TIDINGS_DUMP_KEEP || 7);
  if (!Number.isInteger(keep) || keep < 1 || keep > MAX_KEPT_DUMPS) {
    throw new ConfigError(
      `TIDINGS_DUMP_KEEP is "${env.TIDINGS_DUMP_KEEP}"; it must be a number of dumps from 1 to ${MAX_KEPT_DUMPS}`,
    );
  }
  const every = parseDurationSetting('TIDINGS_DUMP_EVERY', env.TIDINGS_DUMP_EVERY || '24h', '366d');
  return env.TIDINGS_DUMP_DIR ? { folder: resolve(env.TIDINGS_DUMP_DIR), every, keep } : null;
}
