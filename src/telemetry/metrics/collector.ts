import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../../model/event.ts';
import {
  becomeCollector,
  MEASUREMENTS,
  measure,
  resignCollector,
  type Sample,
  toComparedHour,
} from '../../store/installation-state.ts';
import { METRICS, type MetricDefinition, type MetricKey } from './definitions.ts';
import type { Metrics } from './registry.ts';

export interface CollectorOptions {
  readonly pool: pg.Pool;
  readonly metrics: Metrics;
  readonly clock: () => Millis;
  /** In ms. */
  readonly interval: Millis;
  readonly log: Logger;
}

/** Intervals without a renewal after which another process measures. */
const LEASE_INTERVALS = 3;
const PARTS = Object.keys(MEASUREMENTS) as readonly (keyof typeof MEASUREMENTS)[];
const OF_INSTALLATION = Object.entries(METRICS)
  .filter(([, metric]: [string, MetricDefinition]) => metric.ofInstallation === true)
  .map(([key]) => key as MetricKey);

/**
 * Measures the queues and the database at an interval, in one process at a time: what a scrape costs does not depend on how many
 * processes there are, and a sum over all of them counts nothing twice. A process that does not measure has no such series.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #name = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** Volumes change by the hour, and are compared once for each. */
  #volumes: { readonly hour: Millis; readonly samples: readonly Sample[] } | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Resolves after the first measurement. */
  async start(): Promise<void> {
    const { interval } = this.#options;
    await this.#run();
    this.#timer = setInterval(() => {
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
    }, interval);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await resignCollector(this.#options.pool, this.#name).catch(() => {});
  }

  async #run(): Promise<void> {
    const { pool, metrics, clock, interval } = this.#options;
    let isCollector = false;
    try {
      const startedAt = performance.now();
      isCollector = await becomeCollector(pool, this.#name, interval * LEASE_INTERVALS);
      metrics.set('roundTrip', (performance.now() - startedAt) / 1000);
    } catch (error) {
      this.#fail('lease', error);
    }
    metrics.set('collector', isCollector ? 1 : 0);
    const samples: Sample[] = [];
    for (const part of isCollector ? PARTS : []) {
      try {
        samples.push(...(part === 'volumes' ? await this.#measureVolumes() : await measure(pool, part, clock())));
      } catch (error) {
        this.#fail(part, error);
      }
    }
    // Parts that could not be measured have no series, rather than an old value.
    for (const key of OF_INSTALLATION) metrics.clear(key);
    for (const { metric, value, labels } of samples) metrics.set(metric as MetricKey, value, labels);
  }

  async #measureVolumes(): Promise<readonly Sample[]> {
    const { pool, clock } = this.#options;
    const now = clock();
    const hour = toComparedHour(now);
    if (this.#volumes?.hour !== hour) this.#volumes = { hour, samples: await measure(pool, 'volumes', now) };
    return this.#volumes.samples;
  }

  #fail(part: string, error: unknown): void {
    const { metrics, log } = this.#options;
    metrics.add('collectionErrors', { of: part });
    log.debug({ err: error, of: part }, 'a part of the metrics could not be measured');
  }
}
