import { ConfigError } from '../errors.ts';
import { RETENTION_NAMES, RETENTION_POLICY, type RetentionPeriods } from '../model/retention-policy.ts';
import { parseDuration } from '../time/duration.ts';
import type { Environment } from './values.ts';

/** Reads the retention periods: a duration each, or `forever`. */
export function parseRetention(env: Environment): RetentionPeriods {
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
