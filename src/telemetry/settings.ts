import { ConfigError } from '../errors.ts';
import { splitList } from '../lib/text/split-list.ts';
import type { Millis } from '../model/event.ts';
import { isTenantId } from '../model/tenant.ts';
import type { Environment } from '../settings/values.ts';
import { parseDuration } from '../time/duration.ts';

/** Settings of metrics, traces and reports. Those that are null load nothing, and cost nothing. */
export interface TelemetrySettings {
  /** Prometheus metrics at `/metrics`. */
  readonly metrics: MetricsSettings | null;
  /** URL to which spans are sent by OTLP over HTTP. */
  readonly tracesUrl: string | null;
  /** Address of Sentry, for unexpected errors: secret. */
  readonly sentryDsn: string | null;
}

export interface MetricsSettings {
  /** Tenants that have a label of their own; all others are `other`. Null: metrics tell no tenants. */
  readonly tenants: readonly string[] | null;
  /** Interval in ms at which one process looks at the queues for all. */
  readonly interval: Millis;
}

/** Tenants with a label of their own, at most: each makes dozens of series. */
const MAX_TENANTS = 50;
const MIN_INTERVAL_MS: Millis = 1000;
const MAX_INTERVAL_MS: Millis = 600_000;

/** @throws ConfigError with the name of the variable and what to write */
export function parseTelemetry(env: Environment, hasMetrics: boolean): TelemetrySettings {
  return {
    metrics: hasMetrics ? { tenants: parseTenants(env), interval: parseInterval(env) } : null,
    tracesUrl: parseTracesUrl(env),
    sentryDsn: parseDsn(env.SENTRY_DSN),
  };
}

function parseTenants({ TIDINGS_METRICS_TENANTS: value }: Environment): readonly string[] | null {
  if (!value) return null;
  const tenants = [...new Set(splitList(value))];
  const wrong = tenants.find((item) => !isTenantId(item));
  if (wrong !== undefined)
    throw new ConfigError(`TIDINGS_METRICS_TENANTS has ${JSON.stringify(wrong)}, which is no id of a tenant`);
  if (tenants.length > MAX_TENANTS)
    throw new ConfigError(`TIDINGS_METRICS_TENANTS names ${tenants.length} tenants; name at most ${MAX_TENANTS}`);
  return tenants;
}

function parseInterval({ TIDINGS_METRICS_INTERVAL: value }: Environment): Millis {
  const parsed = parseDuration(value || '15s');
  if ('message' in parsed) throw new ConfigError(`TIDINGS_METRICS_INTERVAL: ${parsed.message}; ${parsed.hint}`);
  if (parsed.ms >= MIN_INTERVAL_MS && parsed.ms <= MAX_INTERVAL_MS) return parsed.ms;
  throw new ConfigError(`TIDINGS_METRICS_INTERVAL is ${value}; it must be from 1s to 10m`);
}

/** The variables of OpenTelemetry, and one of our own that comes first. */
function parseTracesUrl(env: Environment): string | null {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return null;
  const given = [
    ['TIDINGS_OTLP_URL', '/v1/traces'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ''],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', '/v1/traces'],
  ] as const;
  for (const [name, path] of given) {
    const value = env[name];
    if (!value) continue;
    if (!/^https?:\/\//.test(value) || !URL.canParse(value))
      throw new ConfigError(
        `${name} must be the http:// or https:// URL of a collector, such as http://localhost:4318`,
      );
    const url = value.replace(/\/+$/, '');
    return url.endsWith(path) ? url : url + path;
  }
  return null;
}

/** It holds a key, so no message quotes it. */
function parseDsn(value: string | undefined): string | null {
  if (!value) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && /^https?:$/.test(url.protocol) && url.username !== '' && /\/\d+$/.test(url.pathname)) return value;
  throw new ConfigError('SENTRY_DSN must be as Sentry shows it: https://KEY@HOST/PROJECT');
}
