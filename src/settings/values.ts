import { ConfigError } from '../errors.ts';
import type { Millis } from '../model/event.ts';
import { parseDuration } from '../time/duration.ts';

/** Variables of the environment. */
export type Environment = { readonly [name: string]: string | undefined };

/** @throws ConfigError for what is neither yes nor no */
export function parseFlag(name: string, value: string | undefined, fallback: boolean): boolean {
  if (value === undefined || value === '') return fallback;
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  if (/^(0|false|no|off)$/i.test(value)) return false;
  throw new ConfigError(`${name} is "${value}"; it must be true or false`);
}

/** @throws ConfigError for what is no port */
export function parsePort(name: string, value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new ConfigError(`${name} is "${value}"; it must be a number from 0 to 65535`);
}

/** @param longest the longest duration that is accepted, such as `1h` @throws ConfigError for another text */
export function parseDurationSetting(name: string, value: string, longest: string): Millis {
  const parsed = parseDuration(value);
  if ('message' in parsed) throw new ConfigError(`${name}: ${parsed.message}; ${parsed.hint}`);
  const max = parseDuration(longest);
  if ('ms' in max && parsed.ms > max.ms) throw new ConfigError(`${name} is ${value}; it must be at most ${longest}`);
  return parsed.ms;
}

/** Returns ms after midnight; null: `never`. @throws ConfigError for another text */
export function parseTimeOfDay(name: string, value: string): Millis | null {
  if (value === 'never') return null;
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(value) ?? [];
  if (hours === undefined)
    throw new ConfigError(`${name} is "${value}"; it must be a time of day in UTC, such as 03:30, or never`);
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
}
