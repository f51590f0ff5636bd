import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listLabels, METRICS, type MetricDefinition } from '../src/telemetry/metrics/definitions.ts';
import { useDatabase } from './support/database.ts';
import { type Observed, observe } from './support/observed.ts';

/** Metrics, as Prometheus reads them, of an API process and of a worker process on one database. */

const KEY = 'installation-key-of-the-test';
const database = useDatabase();
let api: Observed;
let worker: Observed;

beforeAll(async () => {
  const env = {
    TIDINGS_METRICS: 'true',
    TIDINGS_METRICS_INTERVAL: '1s',
    TIDINGS_METRICS_TENANTS: 'acme',
    TIDINGS_API_KEYS: KEY,
  };
  api = await observe(database().url, env, { api: true, workers: false });
  worker = await observe(database().url, env, { api: false, workers: true });
});
afterAll(async () => {
  await worker?.running.stop();
  await api?.running.stop();
});

const authorization = `Bearer ${KEY}`;

async function post(path: string, body: unknown, headers: { readonly [name: string]: string } = {}) {
  const response = await fetch(`${api.running.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization, ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { readonly [name: string]: unknown } };
}

function signup(userId: string) {
  return {
    event_id: `signup of ${userId}`,
    user_id: userId,
    event_type: 'signup_completed',
    event_timestamp: new Date().toISOString(),
    user_traits: { email: `${userId}@example.com`, marketing_opt_in: true },
  };
}

/** Returns the samples of a page, each by its name with its labels. */
async function scrape(of: Observed): Promise<Map<string, number>> {
  const { url, healthUrl } = of.running;
  const response = await fetch(`${url ?? healthUrl}/metrics`, { headers: url ? { authorization } : {} });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const sum = (samples: Map<string, number>, pattern: RegExp) =>
  [...samples].filter(([name]) => pattern.test(name)).reduce((total, [, value]) => total + value, 0);

test('events, decisions, deliveries and requests are counted where they happen, by tenants that were named', async () => {
  const first = signup('maria');
  const { status } = await post('/api/v1/events', [first, signup('jonas'), { user_id: 'x' }]);
  expect(status).toBe(202);
  await post('/api/v1/events', first);
  const counted = await scrape(api);
  expect(counted.get('tidings_events_total{status="accepted",tenant="other"}')).toBe(2);
  expect(counted.get('tidings_events_total{status="duplicate",tenant="other"}')).toBe(1);
  expect(counted.get('tidings_events_rejected_total{code="invalid_event"}')).toBe(1);
  expect(sum(counted, /^tidings_decisions_total\{outcome="send",reason_code="matched",tenant="other"\}/)).toBe(2);
  expect(counted.get('tidings_http_requests_total{method="POST",route="/api/v1/events",status="202"}')).toBe(2);
  expect(counted.get('tidings_http_request_duration_seconds_count{area="events"}')).toBe(2);
  expect(sum(counted, /^tidings_ingest_batch_duration_seconds_count/)).toBeGreaterThan(0);
  expect(sum(counted, /^tidings_database_connection_use_seconds_count\{pool="ingest"\}/)).toBeGreaterThan(0);
  expect(counted.get('tidings_database_connections_max{pool="ingest"}')).toBe(10);
  await vi.waitFor(
    async () => {
      const delivered = await scrape(worker);
      const labels = 'channel="email",provider="noop"';
      expect(delivered.get(`tidings_delivery_attempts_total{${labels},outcome="sent"}`)).toBe(2);
      expect(delivered.get(`tidings_deliveries_total{${labels},status="sent",tenant="other"}`)).toBe(2);
      expect(sum(delivered, /^tidings_delivery_latency_seconds_count\{channel="email"/)).toBe(2);
      expect(delivered.get('tidings_loop_idle_seconds{loop="delivery"}')).toBeLessThan(60);
    },
    { timeout: 15_000, interval: 100 },
  );
});

test('what a claim ends without an attempt is counted, too', async () => {
  // Its notification is no longer stored.
  await database().pool.query(`insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, priority, due_at,
      retry_until, in_doubt_policy, created_at)
    values ('default', gen_random_uuid(), 'chat', 'u', 'T', 1, now(), now() + interval '2 hours', 'hold', now())`);
  await vi.waitFor(
    async () => {
      const counted = await scrape(worker);
      const ended = 'tidings_deliveries_total{channel="chat",provider="none",status="dead",tenant="other"}';
      expect(counted.get(ended)).toBe(1);
      expect(counted.get('tidings_dead_letters_total{channel="chat",fault="message"}')).toBe(1);
    },
    { timeout: 15_000, interval: 100 },
  );
});

test('no sample names a user, an address or an event', async () => {
  for (const of of [api, worker]) {
    expect([...(await scrape(of)).keys()].filter((name) => /maria|jonas|example\.com|signup/.test(name))).toEqual([]);
  }
});

test('one process measures the queues for all, and another takes over when it stops', async () => {
  const { pool } = database();
  await pool.query(`insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, priority, due_at,
      retry_until, in_doubt_policy, created_at)
    select 'default', gen_random_uuid(), 'chat', 'u', 'T', 1, now() + interval '1 hour', now() + interval '2 hours', 'hold', now()
    from generate_series(1, 7)`);
  await pool.query(`insert into connector_tasks (tenant_id, task_id, connector, kind, user_id, state, created_at, due_at, ended_at)
    select 'default', gen_random_uuid(), 'c', 'customer-import', 'u', state, now(), now() + interval '1 hour', ended_at
    from (values ('open', null), ('dead', now()), ('dead', now()), ('done', now())) as t(state, ended_at)`);
  const later = 'tidings_queue_depth{channel="chat",priority="HIGH",state="later"}';
  await vi.waitFor(async () => expect((await scrape(api)).get(later)).toBe(7), { timeout: 15_000, interval: 100 });
  const [measured, other] = [await scrape(api), await scrape(worker)];
  expect([measured.get('tidings_collector'), other.get('tidings_collector')]).toEqual([1, 0]);
  expect(
    [...other.keys()].filter((name) => /^tidings_(queue|work|partitions|circuits|database_size)/.test(name)),
  ).toEqual([]);
  expect(measured.get('tidings_queue_oldest_age_seconds{channel="email",priority="MEDIUM"}')).toBe(0);
  expect(measured.get('tidings_work_due{queue="outbox"}')).toBe(0);
  const tasks = ['open', 'dead'].map((state) => `tidings_connector_tasks{kind="customer-import",state="${state}"}`);
  expect(tasks.map((name) => measured.get(name))).toEqual([1, 2]);
  expect(measured.get('tidings_work_due{queue="connector_tasks"}')).toBe(0);
  expect(measured.get('tidings_webhook_endpoints{state="active"}')).toBe(0);
  expect(measured.get('tidings_partitions_ahead_seconds{table="deliveries"}')).toBeGreaterThan(28 * 86_400);
  expect(measured.get('tidings_default_partition_used{table="events"}')).toBe(0);
  expect(measured.get('tidings_database_size_bytes')).toBeGreaterThan(1_000_000);
  expect(sum(measured, /^tidings_collection_errors_total/)).toBe(0);
  await api.running.stop();
  await vi.waitFor(async () => expect((await scrape(worker)).get(later)).toBe(7), { timeout: 15_000, interval: 100 });
  api = await observe(
    database().url,
    { TIDINGS_METRICS: 'true', TIDINGS_API_KEYS: KEY },
    { api: true, workers: false },
  );
});

test('on the port of the API, metrics need a key of the installation with their scope', async () => {
  const url = `${api.running.url}/metrics`;
  expect((await fetch(url)).status).toBe(401);
  const created = await post('/api/v1/keys', { name: 'prometheus', scopes: ['metrics:read'], is_installation: true });
  const own = created.body.key ?? created.body.secret;
  expect(typeof own, JSON.stringify(created.body)).toBe('string');
  const read = (path: string) => fetch(`${api.running.url}${path}`, { headers: { authorization: `Bearer ${own}` } });
  expect((await read('/metrics')).status).toBe(200);
  expect((await read('/api/v1/decisions')).status).toBe(403);
});

test('every metric is announced by both processes, and docs/metrics.md has the same table', async () => {
  const definitions: readonly MetricDefinition[] = Object.values(METRICS);
  const { healthUrl } = worker.running;
  const text = await (await fetch(`${healthUrl}/metrics`)).text();
  for (const { name, type, help } of definitions) {
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
  }
  const page = await readFile(new URL('../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(tidings_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$/gm)].map((row) => row.slice(1));
  expect(rows).toEqual(
    definitions.map((definition) => [
      definition.name,
      definition.type,
      listLabels(definition, true)
        .map((label) => `\`${label}\``)
        .join(', ') || '–',
      `${definition.help}${definition.ofInstallation ? ' (one process)' : ''}`,
    ]),
  );
});

test('names have units, and counters end in _total', () => {
  for (const { name, type } of Object.values(METRICS) as readonly MetricDefinition[]) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_(seconds|events)$/);
    expect(name).toMatch(/^tidings_[a-z]+(_[a-z]+)*$/);
  }
});
