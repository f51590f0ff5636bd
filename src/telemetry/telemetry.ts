import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { waitAtMost } from '../lib/concurrency/wait-at-most.ts';
import type { Millis } from '../model/event.ts';
import { answered, batched } from '../observe/happenings.ts';
import type { ProcessFacts } from './metrics/read-process.ts';
import type { Metrics } from './metrics/registry.ts';
import type { TelemetrySettings } from './settings.ts';

/** Time in ms that a stop waits for what is to be sent last. */
const MAX_LAST_EXPORT_MS = 2000;

/** The metrics in the text format of Prometheus. */
export type WriteMetrics = () => Promise<{ readonly type: string; readonly text: string }>;

export interface WatchedProcess extends ProcessFacts {
  readonly pool: Pool;
  /** All pools of the process. */
  readonly pools: readonly Pool[];
  readonly clock: () => Millis;
}

/** Metrics, traces and reports of this process. */
export interface Telemetry {
  /** Null: metrics are off. */
  readonly writeMetrics: WriteMetrics | null;
  /** Begins to measure the parts of the process, once they are there. Returns a function that ends that, before they end. */
  watch(process: WatchedProcess): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** Loads what is configured, and nothing else. Open it before the other parts, which look once whether there are listeners. */
export async function openTelemetry(settings: TelemetrySettings, log: Logger): Promise<Telemetry> {
  const stops: (() => unknown)[] = [];
  if (log.isLevelEnabled('debug')) stops.push(writeLines(log));
  if (settings.sentryDsn !== null) {
    const { reportErrors } = await import('./sentry.ts');
    stops.push(await reportErrors(settings.sentryDsn, log));
  }
  if (settings.tracesUrl !== null) {
    const { openTraces } = await import('./traces.ts');
    stops.push(openTraces(settings.tracesUrl));
  }
  let metrics: Metrics | undefined;
  if (settings.metrics !== null) {
    const { Metrics } = await import('./metrics/registry.ts');
    const { countHappenings } = await import('./metrics/count-happenings.ts');
    metrics = await Metrics.open(settings.metrics);
    stops.push(countHappenings(metrics));
  }
  return {
    writeMetrics: metrics ? () => (metrics as Metrics).write() : null,
    async watch({ pool, pools, clock, ...facts }) {
      if (!metrics || settings.metrics === null) return async () => {};
      const { Collector } = await import('./metrics/collector.ts');
      const { watchPools } = await import('./metrics/watch-pools.ts');
      const { readProcess } = await import('./metrics/read-process.ts');
      watchPools(metrics, pools);
      readProcess(metrics, facts);
      const collector = new Collector({ pool, metrics, clock, log, interval: settings.metrics.interval });
      await collector.start();
      return () => collector.stop();
    },
    async stop() {
      for (const stop of stops.splice(0).reverse()) await waitAtMost(MAX_LAST_EXPORT_MS, Promise.resolve(stop()));
    },
  };
}

/** Logs one line for each request and each batch; the settler has that of each attempt. Returns a function that ends that. */
function writeLines(log: Logger): () => void {
  const ends = [
    answered.subscribe(
      ({ requestId, correlationId, method, route, area, status, durationMs, tenantId, actor, traceparent }) =>
        log.debug(
          {
            ...{ request_id: requestId, correlation_id: correlationId, trace_id: traceparent?.split('-')[1] },
            ...{
              tenant_id: tenantId,
              actor_kind: actor?.kind,
              actor_id: actor?.kind === 'user' ? undefined : actor?.id,
            },
            ...{ method, route, area, status, duration_ms: Math.round(durationMs) },
          },
          'request',
        ),
    ),
    batched.subscribe(({ tenantId, items, durationMs, failed, traceparents }) =>
      log.debug(
        {
          ...{ tenant_id: tenantId, events: items, duration_ms: Math.round(durationMs), failed },
          ...(traceparents.length === 0 ? {} : { trace_ids: traceparents.map((one) => one.split('-')[1]) }),
        },
        'batch',
      ),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
