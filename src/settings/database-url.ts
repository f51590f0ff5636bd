import pg from 'pg';
import { ConfigError } from '../errors.ts';
import type { Environment } from './values.ts';

/** Reads the URL of a PostgreSQL; null: it is not set. @throws ConfigError, which does not quote it */
export function parseDatabaseUrl(name: string, value: string | undefined): string | null {
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

/** Reads a URL that is of use beside `DATABASE_URL` only: the embedded database needs no other. */
export function parseFurtherDatabaseUrl(name: string, env: Environment): string | null {
  const url = parseDatabaseUrl(name, env[name]);
  if (url === null || env.DATABASE_URL) return url;
  throw new ConfigError(`${name} is for an external database; set DATABASE_URL as well`);
}

/**
 * Matches a URL whose password contains an unescaped slash, question mark or number sign: what precedes it would be parsed
 * as host and port. The @ that ends the password comes after it.
 */
const UNESCAPED_PASSWORD = /^[^/]+\/\/[^/?#@]*:[^/?#@]*[/?#](?!.*[?&]user=).*@/;
