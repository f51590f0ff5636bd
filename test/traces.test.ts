import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { testDatabase, useDatabase } from './support/database.ts';
import { type Observed, observe, type SeenSpan, startCollector } from './support/observed.ts';
import { tidingsDirectly } from './support/program.ts';
import { type StandInReply, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { FINTECH } from './support/tidings.ts';

/** Spans and reports of one process, as a collector of OpenTelemetry and Sentry receive them, and its wide lines. */

const database = useDatabase();
let collector: Awaited<ReturnType<typeof startCollector>>;
let sentry: Awaited<ReturnType<typeof startStandIn>>;
let observed: Observed;

beforeAll(async () => {
  collector = await startCollector();
  sentry = await startStandIn({ body: {} });
  process.env.OTEL_BSP_SCHEDULE_DELAY = '200';
  observed = await observe(database().url, {
    TIDINGS_OTLP_URL: collector.url,
    SENTRY_DSN: `${sentry.url.replace('://', `://${SENTRY_KEY}@`)}/7`,
    TIDINGS_LOG_LEVEL: 'debug',
  });
});
afterAll(async () => {
  await observed?.running.stop();
  await collector.stop();
  await sentry.stop();
});

const SENTRY_KEY = 'c0ffee00c0ffee00c0ffee00c0ffee00';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

async function post(body: object, headers: { readonly [name: string]: string } = {}) {
  const response = await fetch(`${observed.running.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { results: { status: string }[] };
}

function signup(userId: string, more: object = {}) {
  return {
    event_id: `signup of ${userId}`,
    user_id: userId,
    event_type: 'signup_completed',
    event_timestamp: '2026-11-01T10:00:00Z',
    user_traits: { email: `${userId}@example.com`, marketing_opt_in: true },
    ...more,
  };
}

async function waitForSpan(name: RegExp, of: (span: SeenSpan) => boolean = () => true): Promise<SeenSpan> {
  const find = () => collector.spans().find((span) => name.test(span.name) && of(span));
  await vi.waitFor(() => expect(find()).toBeDefined(), { timeout: 15_000, interval: 50 });
  return find() as SeenSpan;
}

const inTrace = ({ traceId }: SeenSpan) => traceId === TRACE;

test('a trace goes from the caller over the request and the decision to the delivery and its attempt', async () => {
  await post(signup('maria'), {
    traceparent: `00-${TRACE}-${CALLER}-01`,
    'x-request-id': 'r-1',
    'x-correlation-id': 'c-81',
  });
  const delivery = await waitForSpan(/^delivery email/, inTrace);
  const attempt = await waitForSpan(/^attempt email/, inTrace);
  const request = await waitForSpan(/^POST/, inTrace);
  const decision = await waitForSpan(/^decision send/, inTrace);
  expect(request).toMatchObject({ name: 'POST /api/v1/events', parentSpanId: CALLER });
  expect(request.attributes).toMatchObject({
    'http.route': '/api/v1/events',
    'tidings.request_id': 'r-1',
    'tidings.correlation_id': 'c-81',
    'tidings.tenant_id': 'default',
  });
  expect(decision.parentSpanId).toBe(request.spanId);
  expect(decision.attributes).toMatchObject({ 'tidings.rule': 'WELCOME_EMAIL', 'tidings.reason_code': 'matched' });
  expect(delivery.parentSpanId).toBe(decision.spanId);
  expect(attempt.parentSpanId).toBe(delivery.spanId);
  expect(attempt.attributes).toMatchObject({ 'tidings.provider': 'noop', 'tidings.outcome': 'sent' });
  expect(delivery.start).toBeLessThanOrEqual(attempt.start);
  expect(delivery.end).toBeGreaterThanOrEqual(attempt.end);
  const batch = await waitForSpan(/^batch$/);
  expect(batch.links).toEqual([expect.objectContaining({ traceId: TRACE, spanId: request.spanId })]);
  expect(batch.traceId).not.toBe(TRACE);
});

test('a repetition under another trace is still a duplicate', async () => {
  const { results } = await post(signup('maria'), { traceparent: `00-${'a'.repeat(32)}-${CALLER}-01` });
  expect(results).toMatchObject([{ status: 'duplicate' }]);
});

test('a caller’s decision not to sample is kept, and the traceparent of an event comes before that of its request', async () => {
  const unsampled = 'b'.repeat(32);
  await post(signup('carla'), { traceparent: `00-${unsampled}-${CALLER}-00` });
  const own = 'c'.repeat(32);
  await post(signup('jonas', { traceparent: `00-${own}-${CALLER}-01` }));
  const decision = await waitForSpan(/^decision send/, ({ traceId }) => traceId === own);
  expect(decision.parentSpanId).toBe(CALLER);
  await waitForSpan(/^attempt email/, ({ traceId }) => traceId === own);
  expect(collector.spans().filter(({ traceId }) => traceId === unsampled)).toEqual([]);
});

test('one wide line for each request, batch and attempt, without what a user wrote', async () => {
  const line = (msg: string, of: object) =>
    vi.waitFor(() => expect(observed.lines).toContainEqual(expect.objectContaining({ msg, ...of })), {
      timeout: 15_000,
    });
  await line('request', {
    request_id: 'r-1',
    correlation_id: 'c-81',
    trace_id: TRACE,
    route: '/api/v1/events',
    status: 202,
    tenant_id: 'default',
    actor_kind: 'local',
    duration_ms: expect.any(Number),
  });
  await line('batch', { tenant_id: 'default', events: 1, failed: false, trace_ids: [TRACE] });
  await line('attempt', { provider: 'noop', outcome: 'sent', trace_id: TRACE });
  expect(JSON.stringify(observed.lines)).not.toMatch(/maria|jonas/);
});

test('an unexpected error is reported once, with its lines of code and without what users wrote', async () => {
  const { pool } = database();
  await pool.query('alter table waits rename to waits_away');
  const path = '/api/v1/waits?user_id=maria';
  try {
    for (let n = 0; n < 3; n++) {
      const response = await fetch(`${observed.running.url}${path}`, {
        headers: { 'x-other': 'sekrit-key' },
      });
      expect(response.status).toBe(500);
    }
  } finally {
    await pool.query('alter table waits_away rename to waits');
  }
  await vi.waitFor(() => expect(sentry.requests.length).toBeGreaterThan(0), { timeout: 15_000 });
  const requests = sentry.requests.filter(({ body }) => body.includes('request failed'));
  expect(requests).toHaveLength(1);
  const [request] = requests;
  expect(request?.path).toMatch(/^\/api\/7\/envelope\//);
  const event = JSON.parse(request?.body.trim().split('\n').at(-1) ?? '');
  expect(event).toMatchObject({
    level: 'error',
    message: 'request failed because of an internal error',
    tags: { code: '42P01', request_id: expect.stringMatching(/^req_/) },
    exception: { values: [{ type: 'DatabaseError' }] },
  });
  const { frames } = event.exception.values[0].stacktrace;
  expect(
    frames.some((frame: { filename: string; in_app: boolean }) => frame.in_app && /^src\//.test(frame.filename)),
  ).toBe(true);
});

test('neither spans nor reports hold users, addresses, keys or URLs', async () => {
  const sent = [...collector.requests, ...sentry.requests].map(({ body }) => body.replaceAll(SENTRY_KEY, ''));
  expect(sent.length).toBeGreaterThan(1);
  for (const body of sent) expect(body).not.toMatch(/maria|jonas|carla|example\.com|sekrit|user_id=|postgres:\/\//);
});

test('a collector that fails or hangs keeps no request, no delivery and no end of the process waiting', async () => {
  const other = await testDatabase();
  const broken = await startStandIn();
  const program = tidingsDirectly(['start', '--json'], {
    env: {
      ...{ DATABASE_URL: other.url, PORT: '0', TIDINGS_CATALOG: FINTECH, TIDINGS_PROVIDERS: 'email=noop,sms=noop' },
      ...{ TIDINGS_ENCRYPTION_KEY: btoa('k'.repeat(32)), TIDINGS_OTLP_URL: broken.url, OTEL_BSP_SCHEDULE_DELAY: '20' },
      // A wait for an answer would outlast this test.
      ...{ OTEL_EXPORTER_OTLP_TIMEOUT: '600000', OTEL_BSP_EXPORT_TIMEOUT: '600000' },
    },
  });
  try {
    const { url } = await program.ready(90_000);
    let sent = 0;
    for (const reply of [{ status: 500 }, { instead: 'hang' }] satisfies StandInReply[]) {
      broken.reply(reply);
      const before = broken.requests.length;
      for (let n = 0; n < 20; n++) {
        const response = await fetch(`${url}/api/v1/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` },
          body: JSON.stringify(signup(`user-${++sent}`)),
        });
        expect(response.status).toBe(202);
      }
      const counted = `select count(*)::int as n from deliveries where status = 'sent'`;
      await expect.poll(async () => (await other.pool.query(counted)).rows[0].n, { timeout: 30_000 }).toBe(sent);
      await expect.poll(() => broken.requests.length, { timeout: 30_000 }).toBeGreaterThan(before);
    }
    program.kill('SIGTERM');
    expect(await program.ended).toBe(0);
  } finally {
    program.killGroup('SIGKILL');
    await program.ended;
    await broken.stop();
    await other.drop();
  }
}, 120_000);
