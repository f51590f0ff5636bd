import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, payment, type TestApi, testApi } from './support/api.ts';
import type { TestServer } from './support/http.ts';

let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
});

afterAll(() => api.close());

describe('deliveries over the API', () => {
  let id: string;

  beforeAll(async () => {
    const { body } = await server.post('/api/v1/events', {
      user_id: 'reader',
      event_type: 'signup_completed',
      event_timestamp: '2025-10-31T19:00:00Z',
      user_traits: { marketing_opt_in: true },
    });
    id = `${body.results[0].decisions[0].notification_id}.email`;
  });

  test('are retried only after they have ended: answers 409, then 202, and writes the audit log', async () => {
    expectProblem(await server.post(`/api/v1/deliveries/${id}/retry`), {
      status: 409,
      code: 'not_retryable',
    });
    const worker = await api.tidings.worker();
    await expect.poll(() => statusOf(id)).toBe('undeliverable');
    await worker.stop();
    api.tidings.clock.now += 100_000;
    const { status, body } = await server.post(`/api/v1/deliveries/${id}/retry`);
    expect([status, body]).toEqual([
      202,
      expect.objectContaining({ delivery_id: id, status: 'queued', reason_code: 'retried', attempts_made: 1 }),
    ]);
    const { rows } = await api.tidings.database.pool.query(
      `select actor, action, extract(epoch from retry_until - due_at)::int as retry_period from audit_log join deliveries
       on subject = notification_id || '.' || channel where subject = $1`,
      [id],
    );
    expect(rows).toEqual([{ actor: 'api', action: 'delivery.retried', retry_period: 86_400 }]);
  });

  test('keep the retry period of their type over several retries', async () => {
    for (let i = 0; i < 3; i++) {
      api.tidings.clock.now += 7_200_000;
      await api.tidings.database.pool.query(
        `update deliveries set status = 'dead', finished_at = now() where notification_id = $1`,
        [id.split('.')[0]],
      );
      await server.post(`/api/v1/deliveries/${id}/retry`);
    }
    const { rows } = await api.tidings.database.pool.query(
      'select extract(epoch from retry_until - due_at)::int as retry_period from deliveries where notification_id = $1',
      [id.split('.')[0]],
    );
    expect(rows).toEqual([{ retry_period: 86_400 }]);
  });

  test('are sent once the address is known, and show the message with a masked address', async () => {
    expectProblem(await server.get(`/api/v1/deliveries/${id}/message`), { status: 404, code: 'not_found' });
    await server.post('/api/v1/events', {
      user_id: 'reader',
      event_type: 'profile_changed',
      event_timestamp: '2025-10-31T19:10:00Z',
      user_traits: { email: 'reader@example.com', first_name: 'Maria' },
    });
    const worker = await api.tidings.worker();
    await expect.poll(() => statusOf(id)).toBe('sandboxed');
    await worker.stop();
    const { status, body } = await server.get(`/api/v1/deliveries/${id}/message`);
    expect(status).toBe(200);
    expect(body).toEqual({
      delivery_id: id,
      channel: 'email',
      to: 'r…@example.com',
      subject: expect.any(String),
      text: expect.any(String),
      html: expect.stringMatching(/<html/),
      rendered_at: new Date(api.tidings.clock.now).toISOString(),
      locale: 'en',
    });
    expect(JSON.stringify(body)).not.toContain('reader@');
  });

  test.each([
    '00000000-0000-7000-8000-000000000000.email',
    '00000000-0000-7000-8000-000000000000.pigeon',
    '00000000-0000-7000-8000-000000000000',
    'nonsense',
    '%00.email',
  ])('answer 404 for an unknown or malformed id (%s)', async (unknown) => {
    expectProblem(await server.post(`/api/v1/deliveries/${unknown}/retry`), { status: 404, code: 'not_found' });
    expectProblem(await server.get(`/api/v1/deliveries/${unknown}/message`), { status: 404, code: 'not_found' });
  });

  test('are listed by status, newest first, in pages', async () => {
    await server.post(
      '/api/v1/events',
      Array.from({ length: 5 }, () => payment({ properties: { attempt_number: 3 } })),
    );
    const ids: string[] = [];
    let next: string | null = '';
    for (let page = 0; next !== null && page < 20; page++) {
      const { body } = await server.get(`/api/v1/deliveries?limit=2${next ? `&after=${next}` : ''}`);
      ids.push(...body.deliveries.map((one: { delivery_id: string }) => one.delivery_id));
      next = body.next;
    }
    expect(ids).toEqual([...new Set(ids)].sort().reverse());
    const sent = await server.get('/api/v1/deliveries?status=sandboxed');
    expect(sent.body.deliveries.map((one: { delivery_id: string }) => one.delivery_id)).toEqual([id]);
    expect(sent.body.next).toBeNull();
    expectProblem(await server.get('/api/v1/deliveries?status=lost'), {
      status: 400,
      code: 'invalid_request',
      pointer: 'status',
    });
  });

  test('are narrowed by type, channel, provider, reason and time, and counted by each as far as the others allow', async () => {
    // Ids have the time of the machine, and not of the test.
    await api.tidings.database.pool.query(
      `update deliveries set created_at = to_timestamp(('x' || translate(left(notification_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)`,
    );
    const found = (await server.get('/api/v1/deliveries?limit=200')).body.deliveries;
    const one = found.find(({ delivery_id: own }: { delivery_id: string }) => own === id);
    const narrow = new URLSearchParams({
      status: one.status,
      notification_type: one.notification_type,
      channel: 'email',
      provider: one.provider,
      since: one.created_at,
      until: new Date(Date.parse(one.created_at) + 1).toISOString(),
    });
    const { body } = await server.get(`/api/v1/deliveries?${narrow}`);
    expect(body).toMatchObject({ deliveries: [{ delivery_id: id }], next: null });
    const nothing = await server.get(`/api/v1/deliveries?until=${encodeURIComponent(one.created_at)}`);
    expect(nothing.body.deliveries.map(({ delivery_id: own }: { delivery_id: string }) => own)).not.toContain(id);

    const counted = (await server.get('/api/v1/deliveries/counts?status=queued')).body;
    const queued = found.filter(({ status }: { status: string }) => status === 'queued');
    expect(counted).toMatchObject({ total: queued.length, at_least: false, since: null });
    expect(counted.counts.status).toContainEqual({ value: 'sandboxed', count: 1 });
    expect(counted.counts.notification_type).not.toContainEqual({ value: one.notification_type, count: 1 });
    const some = (await server.get('/api/v1/deliveries/counts?count_by=channel,status')).body;
    expect(Object.keys(some.counts).sort()).toEqual(['channel', 'status']);
    expectProblem(await server.get('/api/v1/deliveries/counts?count_by=user_id'), {
      status: 400,
      code: 'invalid_request',
      pointer: 'count_by',
    });
  });

  test('are narrowed by what receipts say', async () => {
    await api.tidings.database.pool.query(
      `update deliveries set receipt_state = 'bounced' where notification_id::text || '.' || channel = $1`,
      [id],
    );
    const { body } = await server.get('/api/v1/deliveries?receipt_state=bounced');
    expect(body.deliveries).toMatchObject([{ delivery_id: id, receipt_state: 'bounced' }]);
    const { counts } = (await server.get('/api/v1/deliveries/counts')).body;
    expect(counts.receipt_state).toEqual([{ value: 'bounced', count: 1 }]);
    expectProblem(await server.get('/api/v1/deliveries?receipt_state=lost'), {
      status: 400,
      code: 'invalid_request',
      pointer: 'receipt_state',
    });
  });

  test('are looked at up to a bound: a page may be empty although the list goes on', async () => {
    await api.tidings.database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, in_doubt_policy, due_at,
         retry_until, created_at, finished_at, started_at, duration_ms, provider)
       select tenant_id, ('ffffffff-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'email', 'many', 'MANY', 'sent', 'resend',
         due_at, retry_until, created_at, created_at, created_at, 1, 'other'
       from deliveries, generate_series(1, 20001) as n where notification_id = $1`,
      [id.split('.')[0]],
    );
    const first = (await server.get('/api/v1/deliveries?provider=sandbox')).body;
    expect([first.deliveries, typeof first.next]).toEqual([[], 'string']);
    const second = (await server.get(`/api/v1/deliveries?provider=sandbox&after=${first.next}`)).body;
    expect(second.deliveries.map(({ delivery_id: own }: { delivery_id: string }) => own)).toContain(id);
    const queued = (await server.get('/api/v1/deliveries?status=queued')).body;
    expect([queued.deliveries, typeof queued.next]).toEqual([[], 'string']);
    const counted = (await server.get('/api/v1/deliveries/counts?provider=other')).body;
    expect(counted).toMatchObject({ at_least: true, since: expect.any(String) });
    expect(counted.total).toBeGreaterThanOrEqual(20_000);
    await api.tidings.database.pool.query(`delete from deliveries where notification_type = 'MANY'`);
  });

  async function statusOf(deliveryId: string): Promise<string | undefined> {
    const { body } = await server.get('/api/v1/deliveries?limit=200');
    return body.deliveries.find((one: { delivery_id: string }) => one.delivery_id === deliveryId)?.status;
  }
});
