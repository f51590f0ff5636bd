import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { readConfig } from '../../src/config.ts';
import type { Roles } from '../../src/main.ts';
import { type Running, run } from '../../src/main.ts';
import { serializeError } from '../../src/privacy/log-serializers.ts';
import { type SeenRequest, startStandIn } from './stand-ins/http-stand-in.ts';

/** Processes that are seen from outside, with collectors on this machine. */

export interface Observed {
  readonly running: Running;
  /** Lines of the log, parsed. */
  readonly lines: readonly { readonly [name: string]: unknown }[];
}

/** Starts a process on a database with the catalog of the fintech example. */
export async function observe(
  url: string,
  env: { readonly [name: string]: string },
  roles: Roles = { api: true, workers: true },
): Promise<Observed> {
  const lines: { readonly [name: string]: unknown }[] = [];
  const level = env.TIDINGS_LOG_LEVEL ?? 'warn';
  const log = pino(
    { level, base: null, serializers: { err: serializeError } },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  const config = readConfig(
    {
      DATABASE_URL: url,
      PORT: '0',
      TIDINGS_HEALTH_PORT: '0',
      TIDINGS_ENCRYPTION_KEY: ENCRYPTION_KEY,
      TIDINGS_PROVIDERS: 'email=noop,sms=noop',
      TIDINGS_WATCH: 'false',
      ...env,
    },
    { catalogDir: fileURLToPath(new URL('../../examples/fintech', import.meta.url)) },
  );
  return { running: await run(roles, config, log), lines };
}

const ENCRYPTION_KEY = randomBytes(32).toString('base64');

/** A span as a collector receives it. */
export interface SeenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: the first of its trace. */
  readonly parentSpanId: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: { readonly [name: string]: unknown };
  readonly start: number;
  readonly end: number;
}

/** A collector of OTLP over HTTP, in JSON. */
export async function startCollector() {
  const standIn = await startStandIn({ body: {} });
  return {
    url: standIn.url,
    requests: standIn.requests,
    spans: (): SeenSpan[] => standIn.requests.flatMap(readSpans),
    stop: () => standIn.stop(),
  };
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: SeenSpan['links'];
  readonly attributes: readonly { readonly key: string; readonly value: { readonly [type: string]: unknown } }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

function readSpans({ body }: SeenRequest): SeenSpan[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
  };
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map(({ name, traceId, spanId, parentSpanId = '', links = [], attributes, ...times }) => ({
      ...{ name, traceId, spanId, parentSpanId, links },
      attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
      start: Number(BigInt(times.startTimeUnixNano) / 1_000_000n),
      end: Number(BigInt(times.endTimeUnixNano) / 1_000_000n),
    }));
}
