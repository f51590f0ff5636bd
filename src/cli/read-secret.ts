import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ConfigError } from '../errors.ts';
import { failUsage } from './exit-codes.ts';

/** Length in UTF-16 code units of a secret that a file or standard input gives, at most. */
const MAX_SECRET_LENGTH = 64 * 1024;

/** The ways by which a command takes a value that no other user should read. Exactly one of them is given. */
export interface SecretSource {
  /** The value itself, which stands in the history of the shell and in the list of processes. */
  readonly value?: string | undefined;
  readonly variable?: string | undefined;
  /** `-` is standard input. */
  readonly file?: string | undefined;
}

/** Adds the options `--NAME`, `--NAME-env` and `--NAME-file`. */
export function addSecretOptions(command: Command, name: string, what: string): Command {
  const others = [`${name}Env`, `${name}File`];
  return command
    .addOption(
      new Option(
        `--${name} <${name}>`,
        `${what}; other users of this machine can read an option: --${name}-file and --${name}-env keep a secret`,
      ).conflicts(others),
    )
    .addOption(
      new Option(`--${name}-env <variable>`, 'the same, from an environment variable').conflicts(others.slice(1)),
    )
    .option(`--${name}-file <file>`, 'the same, from a file; - is standard input');
}

/**
 * Returns the value that one of the options of `addSecretOptions` gives, without the space around it. Without any of
 * them the program ends, as after any wrong usage.
 * @throws ConfigError
 */
export function readSecret(name: string, { value, variable, file }: SecretSource): string {
  const secret =
    value ??
    (variable !== undefined
      ? readSecretVariable(`--${name}-env ${variable}`, variable)
      : file !== undefined
        ? readSecretFile(file)
        : undefined);
  if (secret === undefined) {
    failUsage(
      `write --${name}-file FILE (- is standard input), --${name}-env VARIABLE, or --${name} ${name.toUpperCase()}`,
    );
  }
  const text = secret.trim();
  if (text === '') throw new ConfigError(`--${name}: the value is empty`);
  if (text.length > MAX_SECRET_LENGTH) {
    throw new ConfigError(`--${name}: the value has more than ${MAX_SECRET_LENGTH} characters`);
  }
  return text;
}

/** Returns the value of an environment variable. @throws ConfigError with the option that names it */
export function readSecretVariable(option: string, variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new ConfigError(`${option}: the variable is not set`);
}

/** Returns the text of a file, or of standard input for `-`. @throws ConfigError */
export function readSecretFile(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
