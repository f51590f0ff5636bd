import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { ConfigError } from './errors.ts';
import { secretFile } from './lib/secret-file.ts';
import { CHANNELS, type Channel } from './model/delivery.ts';
import type { Millis } from './model/event.ts';
import { parseDuration } from './time/duration.ts';

/** Everything the environment decides, resolved once: later code sees no optionals. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Null: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly catalogDir: string;
  /** Re-apply the catalog when a file of it changes. */
  readonly watchCatalog: boolean;
  /** Empty: no authentication, and only loopback. */
  readonly apiKeys: readonly string[];
  /** 32 bytes; seals addresses. */
  readonly encryptionKey: Buffer;
  readonly smtpUrl: string | null;
  readonly mailFrom: string;
  readonly providers: { readonly [channel in Channel]?: 'sandbox' | 'noop' | 'log' | 'smtp' };
  /** How long what a worker holds stays its own after its last sign of life. */
  readonly lease: Millis;
  /** How often a worker looks into the queue when nothing wakes it. */
  readonly poll: Millis;
  /** People a second whose waits and turns one process ends: what piled up is caught up with, not let loose. */
  readonly timerRate: number;
  readonly logLevel: string;
}

const PROVIDERS = ['sandbox', 'noop', 'log', 'smtp'] as const;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/**
 * Reads the environment; throws ConfigError with the name of the variable and what would be right.
 * @param defaults.catalogDir where the fintech example stands
 */
export function readConfig(
  env: { readonly [name: string]: string | undefined },
  defaults: { readonly catalogDir: string },
): Config {
  const apiKeys = list(env.TIDINGS_API_KEYS ?? env.TIDINGS_API_KEY);
  for (const key of apiKeys) {
    if (key.length < 16) throw new ConfigError('TIDINGS_API_KEYS: a key needs at least 16 characters');
  }
  const host = env.HOST || 'localhost';
  if (!LOOPBACK.test(host) && apiKeys.length === 0) {
    throw new ConfigError(
      `HOST is ${host}, which others can reach, and no API key is configured; set TIDINGS_API_KEYS, or HOST to 127.0.0.1`,
    );
  }
  const port = Number(env.PORT || 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new ConfigError(`PORT is "${env.PORT}"; it must be a number from 0 to 65535`);
  }
  const dataDir = resolve(env.TIDINGS_DATA_DIR || '.tidings');
  const logLevel = env.TIDINGS_LOG_LEVEL || 'info';
  if (!LEVELS.includes(logLevel)) {
    throw new ConfigError(`TIDINGS_LOG_LEVEL is "${logLevel}"; it must be one of ${LEVELS.join(', ')}`);
  }
  return {
    host,
    port,
    databaseUrl: databaseUrl(env.DATABASE_URL),
    dataDir,
    catalogDir: resolve(env.TIDINGS_CATALOG || defaults.catalogDir),
    watchCatalog: flag('TIDINGS_WATCH', env.TIDINGS_WATCH, env.NODE_ENV !== 'production'),
    apiKeys,
    encryptionKey: encryptionKey(env.TIDINGS_ENCRYPTION_KEY, dataDir),
    smtpUrl: smtpUrl(env.SMTP_URL),
    mailFrom: env.TIDINGS_MAIL_FROM || 'Tidings <tidings@localhost>',
    providers: providers(env.TIDINGS_PROVIDERS, Boolean(env.SMTP_URL)),
    lease: duration('TIDINGS_LEASE', env.TIDINGS_LEASE || '30s', '1h'),
    poll: duration('TIDINGS_POLL', env.TIDINGS_POLL || '1s', '1h'),
    timerRate: timerRate(env.TIDINGS_TIMER_RATE),
    logLevel,
  };
}

function databaseUrl(value: string | undefined): string | null {
  if (!value) return null;
  // The value may hold a password: it is never repeated.
  if (!/^postgres(ql)?:\/\//.test(value)) {
    throw new ConfigError(
      'DATABASE_URL must begin with postgres:// (for example postgres://user:password@host:5432/tidings)',
    );
  }
  // The driver's own reading, of which nothing is connected.
  let port: number;
  try {
    if (UNESCAPED.test(value)) throw new TypeError('user and password end before the @');
    port = new pg.Client({ connectionString: value }).port;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && /^E[A-Z]+$/.test(code)) {
      throw new ConfigError(`DATABASE_URL names a file that cannot be read (${code}): a certificate or a key`);
    }
    throw new ConfigError(
      'DATABASE_URL is not to be read; write postgres://user:password@host:5432/tidings, and in the password %2F for a /, %23 for a #, %3F for a ?, %25 for a %',
    );
  }
  if (!(port >= 1 && port <= 65_535)) throw new ConfigError('DATABASE_URL has a port that is none; write 1 to 65535');
  return value;
}

/** A password with a slash, a question mark or a number sign after digits reads like host and port; what follows has the @. */
const UNESCAPED = /^[^/]+\/\/[^/?#@]*:[^/?#@]*[/?#](?!.*[?&]user=).*@/;

function smtpUrl(value: string | undefined): string | null {
  if (!value) return null;
  if (!/^smtps?:\/\//.test(value)) {
    throw new ConfigError(
      'SMTP_URL must begin with smtp:// or smtps:// (for example smtp://user:password@mail.example.com:587)',
    );
  }
  return value;
}

function providers(value: string | undefined, smtp: boolean): Config['providers'] {
  const chosen: { [channel in Channel]?: (typeof PROVIDERS)[number] } = {
    internal: 'log',
    ...(smtp ? { email: 'smtp' } : {}),
  };
  for (const item of list(value)) {
    const [channel, provider] = item.split('=') as [string, string | undefined];
    if (!isOneOf(CHANNELS, channel) || !isOneOf(PROVIDERS, provider)) {
      throw new ConfigError(
        `TIDINGS_PROVIDERS has "${item}"; write CHANNEL=PROVIDER with one of ${CHANNELS.join(', ')} and one of ${PROVIDERS.join(', ')}`,
      );
    }
    if (provider === 'smtp' && (channel !== 'email' || !smtp)) {
      throw new ConfigError(`TIDINGS_PROVIDERS has "${item}"; smtp carries email only, and needs SMTP_URL`);
    }
    chosen[channel] = provider;
  }
  return chosen;
}

/** Configured, or made once and kept in the data directory. */
function encryptionKey(value: string | undefined, dataDir: string): Buffer {
  if (value) {
    const key = Buffer.from(value, 'base64');
    if (key.length !== 32) {
      throw new ConfigError(
        'TIDINGS_ENCRYPTION_KEY must be 32 bytes in base64; make one with: openssl rand -base64 32',
      );
    }
    return key;
  }
  const file = join(dataDir, 'encryption.key');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const key = Buffer.from(
    secretFile(file, () => randomBytes(32).toString('base64')),
    'base64',
  );
  if (key.length !== 32)
    throw new ConfigError(`${file} does not hold a key of 32 bytes in base64; restore it from a backup`);
  return key;
}

function duration(name: string, value: string, longest: string): Millis {
  const read = parseDuration(value);
  if ('message' in read) throw new ConfigError(`${name}: ${read.message}; write ${read.hint}`);
  const most = parseDuration(longest);
  if ('ms' in most && read.ms > most.ms) throw new ConfigError(`${name} is ${value}; it must be at most ${longest}`);
  return read.ms;
}

function timerRate(written: string | undefined): number {
  const rate = Number(written || 500);
  if (Number.isFinite(rate) && rate >= 1 && rate <= 100_000) return rate;
  throw new ConfigError(`TIDINGS_TIMER_RATE is "${written}"; it must be a number of people a second, from 1 to 100000`);
}

function flag(name: string, value: string | undefined, fallback: boolean): boolean {
  if (value === undefined || value === '') return fallback;
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  if (/^(0|false|no|off)$/i.test(value)) return false;
  throw new ConfigError(`${name} is "${value}"; it must be true or false`);
}

function list(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function isOneOf<T extends string>(all: readonly T[], value: string | undefined): value is T {
  return (all as readonly (string | undefined)[]).includes(value);
}
