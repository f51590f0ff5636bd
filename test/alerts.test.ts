import { readFile } from 'node:fs/promises';
import { parser } from '@prometheus-io/lezer-promql';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { listLabels, METRICS, type MetricDefinition } from '../src/telemetry/metrics/definitions.ts';

/** The alerts for Prometheus and the dashboard of Grafana name metrics that exist, and each alert has its runbook. */

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), 'utf8');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const alerts: readonly Alert[] = parse(await read('deploy/prometheus/alerts.yaml')).groups.flatMap(
  ({ rules }: { rules: readonly Alert[] }) => rules,
);
const dashboard = JSON.parse(await read('deploy/grafana/tidings.json')) as {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
};
const runbooks = await read('docs/runbooks.md');

const definitions: readonly MetricDefinition[] = Object.values(METRICS);
const registry = new Registry();
collectDefaultMetrics({ register: registry });
const defaults = (await registry.getMetricsAsJSON()).map(({ name }) => name);

/** The labels of each series, by its name as PromQL has it. */
const series = new Map<string, readonly string[]>(defaults.map((name) => [name, []]));
for (const definition of definitions) {
  const { name, type } = definition;
  const labels = listLabels(definition, true);
  if (type !== 'histogram') series.set(name, labels);
  else for (const end of ['_bucket', '_sum', '_count']) series.set(name + end, [...labels, 'le']);
}

/** Labels that Prometheus adds. */
const ADDED = ['job', 'instance'];

interface Found {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
  readonly errors: number;
}

/** Parses an expression with the grammar of Prometheus itself. */
function parseExpression(expression: string): Found {
  const text = expression.replaceAll('$__rate_interval', '5m');
  const found = { metrics: [] as string[], labels: [] as string[], errors: 0 };
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      const part = text.slice(from, to);
      if (type.isError) found.errors++;
      if (type.name === 'Identifier' && /^(tidings|process|nodejs)_/.test(part)) found.metrics.push(part);
      if (type.name === 'LabelName') found.labels.push(part);
    },
  });
  return found;
}

function check(expression: string): void {
  const { metrics, labels, errors } = parseExpression(expression);
  expect(errors, `${expression} is no PromQL`).toBe(0);
  expect(metrics.length, expression).toBeGreaterThan(0);
  expect(metrics.filter((name) => !series.has(name))).toEqual([]);
  const known = [...ADDED, ...metrics.flatMap((name) => series.get(name) ?? [])];
  expect(
    labels.filter((label) => !known.includes(label)),
    expression,
  ).toEqual([]);
}

test('what is no PromQL, and what names no metric, is noticed', () => {
  expect(parseExpression('sum by (a (x)').errors).toBeGreaterThan(0);
  expect(() => check('sum(rate(tidings_event_total[5m]))')).toThrow();
  expect(() => check('sum by (user_id) (tidings_queue_depth)')).toThrow();
});

describe('alerts', () => {
  test.each(alerts.map((alert) => [alert.alert, alert] as const))(
    '%s',
    (name, { expr, labels, annotations, ...alert }) => {
      check(expr);
      expect(labels.severity).toMatch(/^(warning|critical)$/);
      expect(alert.for ?? '0m').toMatch(/^\d+[smh]$/);
      expect(annotations.runbook).toBe(`docs/runbooks.md#${name.toLowerCase()}`);
      const section = runbooks.split(/^## /m).find((text) => text.startsWith(`${name}\n`)) ?? '';
      expect(section, `docs/runbooks.md has no section ${name}`).toMatch(/^Look:$[\s\S]+^Do: /m);
      // A label that the summary shows must be one that is left.
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
        const kept = [...expr.matchAll(/by \(([\w, ]+)\)/g)].flatMap(([, names = '']) => names.split(', '));
        expect([...kept, ...(kept.length === 0 ? ADDED : [])], annotations.summary).toContain(label);
      }
    },
  );

  test('each runbook has its alert, and names are given once', () => {
    const sections = [...runbooks.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts.map(({ alert }) => alert));
    expect(new Set(sections).size).toBe(sections.length);
  });
});

test.each(dashboard.panels.flatMap(({ title, targets }) => targets.map((target) => [title, target] as const)))(
  'panel %s',
  (_title, { expr, legendFormat }) => {
    check(expr);
    const kept = [...expr.matchAll(/by \(([\w, ]+)\)/g)].flatMap(([, names = '']) => names.split(', '));
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect([...kept, ...ADDED]).toContain(label);
  },
);
