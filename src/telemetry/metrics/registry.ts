import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricsSettings } from '../settings.ts';
import { listLabels, METRICS, type MetricDefinition, type MetricKey } from './definitions.ts';

export interface Labels {
  readonly [label: string]: string | number;
}

type MetricMap = ReadonlyMap<MetricKey, Counter | Gauge | Histogram>;

const OTHER_TENANT = 'other';

/** The metrics of a process. Labels have few values, all known beforehand: never the id of a user, and of tenants the named ones. */
export class Metrics {
  readonly registry: Registry;
  readonly #metrics: MetricMap;
  readonly #tenants: ReadonlySet<string> | null;
  readonly #beforeScrapes: (() => void | Promise<void>)[] = [];

  private constructor(registry: Registry, metrics: MetricMap, tenants: ReadonlySet<string> | null) {
    this.registry = registry;
    this.#metrics = metrics;
    this.#tenants = tenants;
  }

  /** Loads the library and makes all metrics, with those of the process and of Node.js beside them. */
  static async open({ tenants }: MetricsSettings): Promise<Metrics> {
    const { Registry, Counter, Gauge, Histogram, collectDefaultMetrics } = (await import('prom-client')).default;
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const make = (definition: MetricDefinition) => {
      const { name, help, type, buckets } = definition;
      const labelNames = listLabels(definition, tenants !== null);
      const options = { name, help, labelNames, registers: [registry] };
      if (type === 'counter') return new Counter(options);
      return type === 'gauge' ? new Gauge(options) : new Histogram({ ...options, buckets: [...(buckets ?? [])] });
    };
    const metrics = Object.entries(METRICS).map(([key, definition]) => [key as MetricKey, make(definition)] as const);
    return new Metrics(registry, new Map(metrics), tenants && new Set(tenants));
  }

  /** Adds to a counter. */
  add(key: MetricKey, labels: Labels = {}, count = 1): void {
    (this.#metrics.get(key) as Counter).inc(labels, count);
  }

  /** Sets a gauge. */
  set(key: MetricKey, value: number, labels: Labels = {}): void {
    (this.#metrics.get(key) as Gauge).set(labels, value);
  }

  /** Adds a value to a histogram. */
  observe(key: MetricKey, value: number, labels: Labels = {}): void {
    (this.#metrics.get(key) as Histogram).observe(labels, value);
  }

  /** Removes all series of a metric. */
  clear(key: MetricKey): void {
    const gauge = this.#metrics.get(key) as Gauge;
    gauge.reset();
    // Without labels, a reset is a series with the value 0.
    if (METRICS[key].labels.length === 0) gauge.remove();
  }

  /** Returns the label of a tenant, where there is one. */
  ofTenant(tenantId: string): Labels {
    if (this.#tenants === null) return {};
    return { tenant: this.#tenants.has(tenantId) ? tenantId : OTHER_TENANT };
  }

  /** Has gauges read before each scrape. */
  beforeScrape(read: () => void | Promise<void>): void {
    this.#beforeScrapes.push(read);
  }

  /** Returns the text format of Prometheus. */
  async write(): Promise<{ readonly type: string; readonly text: string }> {
    for (const read of this.#beforeScrapes) await read();
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }
}
