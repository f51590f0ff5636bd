import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { type InstallationLimits, parseInstallationLimits } from './channels/installation-limits.ts';
import { CHOOSING_VARIABLES } from './channels/registry.ts';
import { SUBSTITUTES } from './channels/substitutes.ts';
import { parseConnectorSettings } from './connectors/parse-settings.ts';
import { ConfigError } from './errors.ts';
import { parseKafkaSettings } from './kafka/parse-settings.ts';
import { secretFile } from './lib/secret-file.ts';
import { findNearest } from './lib/text/did-you-mean.ts';
import { unquote } from './lib/text/unquote.ts';
import { CHANNEL_DESCRIPTORS } from './model/channels/channels.ts';
import type { ConnectorSettings } from './model/connector.ts';
import { CHANNELS, type Channel } from './model/delivery.ts';
import { DEFAULT_TENANT, type Millis } from './model/event.ts';
import type { KafkaSettings } from './model/kafka.ts';
import { listChannelsOf, PROVIDER_NAMES } from './model/provider-names.ts';
import { RETENTION_NAMES, RETENTION_POLICY, type RetentionPeriods } from './model/retention-policy.ts';
import { isTenantId, TENANT_ID_HINT } from './model/tenant.ts';
import { parseTelemetry, type TelemetrySettings } from './telemetry/settings.ts';
import { parseDuration } from './time/duration.ts';

/** All settings from the environment, resolved once: there are no optional ones. */
export interface Config {
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
  /** OpenID provider of the members who log in to the console; a null secret: a public client. Null: no login by one. */
  readonly oidc: { readonly issuer: string; readonly clientId: string; readonly clientSecret: string | null } | null;
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
  /** Name of the provider, or of the substitute, of each channel for which one was chosen. */
  readonly providers: { readonly [channel in Channel]?: string };
  /** The variable that chose each of them. */
  readonly chosenBy: { readonly [channel in Channel]?: string };
  /** Rate limits of the channels and accounts of the installation. */
  readonly limits: InstallationLimits;
  /** The sender of email of the installation, `Name <address>`, and the variable that gives it; null: none is given. */
  readonly sender: { readonly text: string; readonly variable: string } | null;
  /** The environment itself, for the settings of providers: their definitions name the variables. */
  readonly environment: { readonly [name: string]: string | undefined };
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
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/**
 * Reads the settings from the environment.
 * @param defaults.catalogDir the catalog directory if none is configured
 * @throws ConfigError with the name of the variable and what to write
 */
export function readConfig(
  env: { readonly [name: string]: string | undefined },
  defaults: { readonly catalogDir: string },
): Config {
  const apiKeys = parseList(env.TIDINGS_API_KEYS ?? env.TIDINGS_API_KEY);
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

const OIDC_SETTINGS = ['TIDINGS_OIDC_ISSUER', 'TIDINGS_OIDC_CLIENT_ID', 'TIDINGS_PUBLIC_URL'] as const;

function parseOidc(env: { readonly [name: string]: string | undefined }): Config['oidc'] {
  if (!env.TIDINGS_OIDC_ISSUER && !env.TIDINGS_OIDC_CLIENT_ID) return null;
  const missing = OIDC_SETTINGS.find((name) => !env[name]);
  if (missing !== undefined) {
    throw new ConfigError(`the login to the console needs ${OIDC_SETTINGS.join(', ')}; ${missing} is not set`);
  }
  return {
    issuer: parseWebUrl('TIDINGS_OIDC_ISSUER', env.TIDINGS_OIDC_ISSUER as string),
    clientId: env.TIDINGS_OIDC_CLIENT_ID as string,
    clientSecret: env.TIDINGS_OIDC_CLIENT_SECRET || null,
  };
}

/** Returns a URL without a slash at its end. Codes and cookies travel to it: only on this machine without TLS. */
function parseWebUrl(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (!url || !isSafe || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new ConfigError(`${name} must be an https:// URL without ? and # (http:// is accepted for localhost only)`);
  }
  if (name === 'TIDINGS_PUBLIC_URL' && url.pathname !== '/') {
    throw new ConfigError(`${name} must have no path: the console is at / of its host`);
  }
  return url.href.replace(/\/$/, '');
}

function parsePort(name: string, value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new ConfigError(`${name} is "${value}"; it must be a number from 0 to 65535`);
}

function parseDatabaseUrl(name: string, value: string | undefined): string | null {
  if (!value) return null;
  // The value may contain a password, so no message quotes it.
  if (!/^postgres(ql)?:\/\//.test(value)) {
    throw new ConfigError(
      `${name} must start with postgres:// (for example postgres://user:password@host:5432/tidings)`,
    );
  }
  // Parsed by the driver itself, which does not connect yet.
  let port: number;
  try {
    if (UNESCAPED_PASSWORD.test(value)) throw new TypeError('the password is not escaped');
    port = new pg.Client({ connectionString: value }).port;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && /^E[A-Z]+$/.test(code)) {
      throw new ConfigError(`${name} names a certificate or key file that cannot be read (${code})`);
    }
    throw new ConfigError(
      `${name} cannot be parsed; write postgres://user:password@host:5432/tidings, and in the password %2F for a /, %23 for a #, %3F for a ?, %25 for a %`,
    );
  }
  if (!(port >= 1 && port <= 65_535)) throw new ConfigError(`${name} has an invalid port; write 1 to 65535`);
  return value;
}

/** The embedded database has both logins. */
function parseFurtherDatabaseUrl(name: string, env: { readonly [name: string]: string | undefined }): string | null {
  const url = parseDatabaseUrl(name, env[name]);
  if (url === null || env.DATABASE_URL) return url;
  throw new ConfigError(`${name} is for an external database; set DATABASE_URL as well`);
}

/**
 * Matches a URL whose password contains an unescaped slash, question mark or number sign: what precedes it would be parsed
 * as host and port. The @ that ends the password comes after it.
 */
const UNESCAPED_PASSWORD = /^[^/]+\/\/[^/?#@]*:[^/?#@]*[/?#](?!.*[?&]user=).*@/;

/**
 * Reads which provider each channel of the installation has: by `TIDINGS_PROVIDERS`, by a variable such as `EMAIL_PROVIDER`, or
 * by a variable that implies one. Their settings are read when they are opened.
 */
function parseProviders(env: { readonly [name: string]: string | undefined }): Pick<Config, 'providers' | 'chosenBy'> {
  const providers: { [channel in Channel]?: string } = {};
  const chosenBy: { [channel in Channel]?: string } = {};
  const choose = (channel: Channel, provider: string, variable: string) => {
    if (providers[channel] !== undefined && providers[channel] !== provider) {
      throw new ConfigError(
        `${variable} chooses ${provider} for ${channel}, and ${chosenBy[channel]} chooses ${providers[channel]}; set only one of them`,
      );
    }
    providers[channel] = requireProviderName(provider, variable, channel, env);
    chosenBy[channel] ??= variable;
  };
  for (const item of parseList(env.TIDINGS_PROVIDERS)) {
    const [channel, provider] = item.split('=') as [string, string | undefined];
    if (!isOneOf(CHANNELS, channel) || !provider) {
      throw new ConfigError(
        `TIDINGS_PROVIDERS has "${item}"; write CHANNEL=PROVIDER with one of ${CHANNELS.join(', ')}`,
      );
    }
    choose(channel, provider, 'TIDINGS_PROVIDERS');
  }
  for (const channel of CHANNELS) {
    const variable = `${channel.toUpperCase()}_PROVIDER`;
    const provider = unquote(env[variable]);
    if (provider) choose(channel, provider.toLowerCase(), variable);
  }
  const chosen = new Set(Object.keys(providers));
  for (const [variable, { channel, provider }] of Object.entries(CHOOSING_VARIABLES)) {
    if (env[variable] && !chosen.has(channel)) choose(channel, provider, variable);
  }
  for (const { name, ownProvider } of Object.values(CHANNEL_DESCRIPTORS)) {
    if (ownProvider !== undefined) providers[name] ??= ownProvider;
  }
  return { providers, chosenBy };
}

function requireProviderName(
  name: string,
  variable: string,
  channel: Channel,
  env: { readonly [name: string]: string | undefined },
): string {
  const known = [...new Set([...Object.keys(SUBSTITUTES), ...PROVIDER_NAMES])];
  if (!known.includes(name)) {
    const fitting = known.filter((one) => goesBy(one, channel));
    const near = findNearest(name, fitting);
    const right = near === undefined ? `write one of ${fitting.join(', ')}` : `did you mean ${near}?`;
    throw new ConfigError(`${variable} names the provider "${name}" for ${channel}, which does not exist; ${right}`);
  }
  if (name === 'inbox' && channel !== INBOX_CHANNEL) {
    throw new ConfigError(`${variable} chooses inbox for ${channel}; it keeps messages of ${INBOX_CHANNEL} only`);
  }
  const needed = Object.entries(CHOOSING_VARIABLES).find(([, { provider }]) => provider === name)?.[0];
  if (needed !== undefined && !env[needed]) {
    throw new ConfigError(`${variable} chooses ${name} for ${channel}, which needs ${needed}; set it as well`);
  }
  return name;
}

const INBOX_CHANNEL = CHANNELS.find((one) => CHANNEL_DESCRIPTORS[one].ownProvider === 'inbox');

/** Returns whether a provider or substitute may be that of a channel. */
function goesBy(name: string, channel: Channel): boolean {
  const provider = PROVIDER_NAMES.find((one) => one === name);
  if (provider !== undefined) return listChannelsOf(provider).includes(channel);
  return name !== 'inbox' || channel === INBOX_CHANNEL;
}

/** Characters of the name of a sender. */
const MAX_NAME_CHARS = 200;

/** Reads the sender of email: `EMAIL_FROM_EMAIL` with `EMAIL_FROM_NAME`, or `TIDINGS_MAIL_FROM`. Its form is checked later. */
function parseSender(env: { readonly [name: string]: string | undefined }): Config['sender'] {
  const own = env.TIDINGS_MAIL_FROM;
  const address = unquote(env.EMAIL_FROM_EMAIL);
  const name = unquote(env.EMAIL_FROM_NAME);
  if (!address) {
    if (name)
      throw new ConfigError('EMAIL_FROM_NAME is set without EMAIL_FROM_EMAIL; set the address of the sender as well');
    return own ? { text: own, variable: 'TIDINGS_MAIL_FROM' } : null;
  }
  if (own) throw new ConfigError('EMAIL_FROM_EMAIL and TIDINGS_MAIL_FROM are both set; set only one of them');
  if (!name) return { text: address, variable: 'EMAIL_FROM_EMAIL' };
  if (name.length > MAX_NAME_CHARS || /\p{Cc}/u.test(name)) {
    throw new ConfigError(
      `EMAIL_FROM_NAME must be one line of at most ${MAX_NAME_CHARS} characters, without control characters`,
    );
  }
  const quoted = name.replaceAll(/[\\"]/g, '\\$&');
  return { text: `"${quoted}" <${address}>`, variable: 'EMAIL_FROM_EMAIL' };
}

/** Bounds the attempts to open what is sealed. */
const MAX_ENCRYPTION_KEYS = 5;

/**
 * Returns the configured keys; without any, those in the data directory, where the first process creates one. The first key
 * seals.
 */
function loadEncryptionKeys(value: string | undefined, dataDir: string): [Buffer, ...Buffer[]] {
  if (value) {
    return parseKeys(
      value,
      'TIDINGS_ENCRYPTION_KEY must be 32 bytes in base64; create one with: openssl rand -base64 32. ' +
        `Several keys, at most ${MAX_ENCRYPTION_KEYS}, are separated by commas`,
    );
  }
  const file = join(dataDir, 'encryption.key');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const text = secretFile(file, () => randomBytes(32).toString('base64'));
  return parseKeys(text, `${file} does not contain a key of 32 bytes in base64; restore it from a backup`);
}

function parseKeys(text: string, problem: string): [Buffer, ...Buffer[]] {
  const [first, ...others] = parseList(text).map((item) => Buffer.from(item, 'base64'));
  const isValid = [first, ...others].every((key) => key?.length === 32) && others.length < MAX_ENCRYPTION_KEYS;
  if (!first || !isValid) throw new ConfigError(problem);
  return [first, ...others];
}

function parseDurationSetting(name: string, value: string, longest: string): Millis {
  const parsed = parseDuration(value);
  if ('message' in parsed) throw new ConfigError(`${name}: ${parsed.message}; ${parsed.hint}`);
  const max = parseDuration(longest);
  if ('ms' in max && parsed.ms > max.ms) throw new ConfigError(`${name} is ${value}; it must be at most ${longest}`);
  return parsed.ms;
}

/** Returns ms after midnight; null: `never`. */
function parseTimeOfDay(name: string, value: string): Millis | null {
  if (value === 'never') return null;
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(value) ?? [];
  if (hours === undefined)
    throw new ConfigError(`${name} is "${value}"; it must be a time of day in UTC, such as 03:30, or never`);
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** Reads the retention periods: a duration each, or `forever`. */
function parseRetention(env: { readonly [name: string]: string | undefined }): RetentionPeriods {
  const periods = RETENTION_NAMES.map((name) => {
    const { setting, period, shortest } = RETENTION_POLICY[name];
    const value = env[setting] || period;
    if (value === 'forever') return [name, null];
    const parsed = parseDuration(value);
    if ('message' in parsed) throw new ConfigError(`${setting}: ${parsed.message}; ${parsed.hint}, or forever`);
    const least = parseDuration(shortest);
    if ('ms' in least && parsed.ms < least.ms) {
      throw new ConfigError(`${setting} is ${value}; it must be at least ${shortest}, or forever`);
    }
    return [name, parsed.ms];
  });
  return Object.fromEntries(periods) as RetentionPeriods;
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

const MAX_TRUSTED_PROXIES = 100;

function parseTrustedProxies(value: string | undefined): readonly string[] {
  const proxies = parseList(value);
  if (proxies.length > MAX_TRUSTED_PROXIES) {
    throw new ConfigError(`TIDINGS_TRUSTED_PROXIES has more than ${MAX_TRUSTED_PROXIES} addresses and networks`);
  }
  for (const proxy of proxies) {
    if (isNetwork(proxy)) continue;
    throw new ConfigError(
      `TIDINGS_TRUSTED_PROXIES has "${proxy}"; write addresses and networks such as 10.0.0.0/8, separated by commas`,
    );
  }
  return proxies;
}

function parseOrigins(value: string | undefined): readonly string[] {
  return parseList(value).map((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (text === '*' || (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`))
      return url?.origin ?? '*';
    throw new ConfigError(
      `TIDINGS_ALLOWED_ORIGINS has "${text}"; write * or origins such as https://shop.example.com, separated by commas`,
    );
  });
}

/** Returns whether a text is an IP address, alone or with the length of a prefix (CIDR). A prefix of length 0 is everything. */
function isNetwork(text: string): boolean {
  const [address = '', length, ...others] = text.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  if (bits === 0 || others.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) >= 1 && Number(length) <= bits);
}

const MAX_KEPT_DUMPS = 1000;

function parseDumps(env: { readonly [name: string]: string | undefined }): Config['dumps'] {
  const keep = Number(env.TIDINGS_DUMP_KEEP || 7);
  if (!Number.isInteger(keep) || keep < 1 || keep > MAX_KEPT_DUMPS) {
    throw new ConfigError(
      `TIDINGS_DUMP_KEEP is "${env.TIDINGS_DUMP_KEEP}"; it must be a number of dumps from 1 to ${MAX_KEPT_DUMPS}`,
    );
  }
  const every = parseDurationSetting('TIDINGS_DUMP_EVERY', env.TIDINGS_DUMP_EVERY || '24h', '366d');
  return env.TIDINGS_DUMP_DIR ? { folder: resolve(env.TIDINGS_DUMP_DIR), every, keep } : null;
}

function parseFlag(name: string, value: string | undefined, fallback: boolean): boolean {
  if (value === undefined || value === '') return fallback;
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  if (/^(0|false|no|off)$/i.test(value)) return false;
  throw new ConfigError(`${name} is "${value}"; it must be true or false`);
}

function parseList(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function isOneOf<T extends string>(all: readonly T[], value: string | undefined): value is T {
  return (all as readonly (string | undefined)[]).includes(value);
}
