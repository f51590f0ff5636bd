import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import * as happenings from '../src/observe/happenings.ts';
import { isTracing, readTrace } from '../src/observe/trace-context.ts';
import { openTelemetry } from '../src/telemetry/telemetry.ts';

/** Metrics, traces and reports that are not configured load nothing and cost nothing. */

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const KEY = Buffer.alloc(32).toString('base64');
const read = (env: { readonly [name: string]: string }) =>
  readConfig({ TIDINGS_ENCRYPTION_KEY: KEY, ...env }, { catalogDir: '.' }).telemetry;

test('without settings there are no subscribers, and nothing looks for a trace', async () => {
  const telemetry = await openTelemetry(read({}), pino({ level: 'info' }, { write: () => {} }));
  expect(telemetry.writeMetrics).toBeNull();
  expect(Object.values(happenings).filter(({ hasSubscribers }) => hasSubscribers)).toEqual([]);
  expect(isTracing()).toBe(false);
  const data = { context: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } };
  expect(readTrace(data)).toBeUndefined();
  await telemetry.stop();
});

test('each place that reports looks for subscribers first, and their packages are imported by files that are loaded lazily', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = new Map(files.map((name) => [name.replaceAll('\\', '/'), readFileSync(join(SRC, name), 'utf8')]));
  const names = Object.keys(happenings);
  let places = 0;
  for (const [file, text] of texts) {
    for (const [line] of text.matchAll(/^.*\.publish\(.*$/gm)) {
      const name = /(\w+)\.publish\(/.exec(line)?.[1] ?? '';
      if (!names.includes(name) && name !== 'rescues') continue;
      places++;
      expect(text, `${file}: ${line.trim()}`).toMatch(new RegExp(`\\b${name}\\.hasSubscribers`));
    }
    const heavy = /^import (?!type).*'(prom-client|@opentelemetry\/.*|@sentry\/.*)';$/m.test(text);
    if (heavy) expect(['telemetry/traces.ts', 'telemetry/sentry.ts']).toContain(file);
    expect(text, file).not.toMatch(/^import (?!type).*telemetry\/(traces|sentry|metrics\/(?!definitions)\w+)\.ts'/m);
  }
  expect(places).toBeGreaterThan(8);
});

test('settings that cannot be used end the start in one sentence with the variable', () => {
  const cases = [
    [{ TIDINGS_METRICS: 'maybe' }, /^TIDINGS_METRICS is "maybe"; it must be true or false$/],
    [{ TIDINGS_METRICS: 'true', TIDINGS_METRICS_TENANTS: 'ACME!' }, /^TIDINGS_METRICS_TENANTS has "ACME!"/],
    [
      { TIDINGS_METRICS: 'true', TIDINGS_METRICS_INTERVAL: '1h' },
      /^TIDINGS_METRICS_INTERVAL is 1h; it must be from 1s to 10m$/,
    ],
    [{ TIDINGS_OTLP_URL: 'localhost:4318' }, /^TIDINGS_OTLP_URL must be the http/],
    [{ SENTRY_DSN: 'https://sentry.example.com/7' }, /^SENTRY_DSN must be as Sentry shows it/],
  ] as const;
  for (const [env, message] of cases) expect(() => read(env)).toThrow(message);
  for (const url of ['http://localhost:4318/', 'http://localhost:4318/v1/traces']) {
    const OTEL_EXPORTER_OTLP_ENDPOINT = url;
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT }).tracesUrl).toBe('http://localhost:4318/v1/traces');
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' }).tracesUrl).toBeNull();
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }).tracesUrl).toBeNull();
  }
  expect(read({ TIDINGS_METRICS: 'true' }).metrics).toEqual({ tenants: null, interval: 15_000 });
});
