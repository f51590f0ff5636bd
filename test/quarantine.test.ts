import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Seal, type Sealed } from '../src/privacy/seal.ts';
import { type EventFields, expectProblem, payment, type TestApi, testApi } from './support/api.ts';
import { loadExample } from './support/catalog.ts';
import { type TestServer, testServer } from './support/http.ts';
import { otherProcess } from './support/processes.ts';

let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
});

afterAll(() => api.close());

describe('the quarantine', () => {
  const ADDRESS = 'maria.rejected@example.com';

  test('holds rejected events, with the reason and without addresses', async () => {
    const wrong = payment({
      event_id: 'wrong-1',
      properties: { amount: 'ten', note: `write to ${ADDRESS} please` },
      user_traits: { email: ADDRESS, phone: '+351912345678' },
    });
    await server.post('/api/v1/events', wrong);
    api.tidings.clock.now += 1000;
    await server.post('/api/v1/events', wrong);
    const { status, body } = await server.get('/api/v1/events/rejected?limit=1');
    expect(status).toBe(200);
    expect(body.rejected).toEqual([
      {
        rejected_id: expect.any(String),
        event_id: 'wrong-1',
        code: 'schema_mismatch',
        path: 'properties.amount',
        message: expect.any(String),
        event: expect.objectContaining({ event_id: 'wrong-1', event_type: 'payment_failed' }),
        source: null,
        position: null,
        times: 2,
        first_at: new Date(api.tidings.clock.now - 1000).toISOString(),
        last_at: new Date(api.tidings.clock.now).toISOString(),
      },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/maria\.rejected|912345678/);
  });

  test('the pages of next list every event once', async () => {
    for (let n = 0; n < 5; n++) {
      if (n % 2 === 0) api.tidings.clock.now += 1000;
      await server.post('/api/v1/events', payment({ event_id: `paged-${n}`, event_timestamp: 'today' }));
    }
    const seen: string[] = [];
    let next: string | null = '';
    for (let page = 0; next !== null && page < 20; page++) {
      const { body } = await server.get(`/api/v1/events/rejected?limit=2${next ? `&after=${next}` : ''}`);
      seen.push(...body.rejected.map((one: { rejected_id: string }) => one.rejected_id));
      next = body.next;
    }
    const { rows } = await api.tidings.database.pool.query('select count(*) as count from rejected_events');
    expect([seen.length, new Set(seen).size]).toEqual([rows[0].count, rows[0].count]);
  });

  test('shows a large event truncated and keeps it whole; large previews of an earlier version come page by page', async () => {
    const note = 'x'.repeat(2_000_000);
    const id = await reject(payment({ event_id: 'large', properties: { note, amount: 'ten' } }));
    const shown = (await find(id)) as unknown as { event: { properties: { note: string } } };
    expect(shown.event.properties.note).toBe(`${'x'.repeat(2000)}…`);
    const again = await server.post(`/api/v1/events/rejected/${id}/retry`);
    expect(again.body.rejected[0]).toMatchObject({ code: 'invalid_content', path: '' });

    // Written by an earlier version, which kept previews of megabytes.
    const { pool } = api.tidings.database;
    api.tidings.clock.now += 1000;
    await pool.query(
      `insert into rejected_events (tenant_id, rejected_id, code, path, message, preview, sealed, key_id, first_at, last_at)
       select 'default', gen_random_uuid(), 'invalid_event', '', 'old', json_build_object('note', repeat('x', 3000000)),
              '', 'k', $1, $1 from generate_series(1, 10)`,
      [new Date(api.tidings.clock.now)],
    );
    const sizes: number[] = [];
    let next: string | null = '';
    while (next !== null && sizes.length < 4) {
      const { body } = await server.get(`/api/v1/events/rejected?limit=200${next ? `&after=${next}` : ''}`);
      sizes.push(body.rejected.filter(({ message }: { message: string }) => message === 'old').length);
      next = body.next;
    }
    expect(sizes).toEqual([3, 3, 3, 1]);
    expect(next).toBeNull();
    await pool.query(`delete from rejected_events where message = 'old'`);
  });

  test('retries an event unchanged, which is accepted once the schema allows it', async () => {
    const id = await reject(payment({ event_id: 'fixed', properties: { amount: 'ten' } }));
    const still = await server.post(`/api/v1/events/rejected/${id}/retry`);
    expect([still.status, still.body.rejected[0].path]).toEqual([422, 'properties.amount']);
    expect((await find(id))?.times).toBe(2);

    const fintech = await loadExample('fintech');
    const events = fintech.get('events.yaml')?.replaceAll('amount: number', 'amount: string') ?? '';
    await api.tidings.apply(new Map([...fintech, ['events.yaml', events]]));
    const { status, body } = await server.post(`/api/v1/events/rejected/${id}/retry`);
    expect([status, body.accepted, body.results[0].event_id]).toEqual([202, 1, 'fixed']);
    expect(await find(id)).toBeUndefined();
    await api.tidings.apply(fintech);

    const { rows } = await api.tidings.database.pool.query(
      `select actor, action, subject from audit_log where action = 'event.retried'`,
    );
    expect(rows).toEqual([{ actor: 'api', action: 'event.retried', subject: id }]);
  });

  test('keeps one row for rejected corrections, and removes it when one is accepted', async () => {
    const wrong = payment({ event_id: 'twice corrected', properties: { amount: 'ten' } });
    const id = await reject(wrong);
    const rows = async () => (await list()).filter(({ event_id }) => event_id === 'twice corrected');
    const retry = (amount: unknown) =>
      server.post(`/api/v1/events/rejected/${id}/retry`, { ...wrong, properties: { amount } });
    expect((await retry('eleven')).status).toBe(422);
    expect(await rows()).toHaveLength(1);
    expect((await retry(12)).status).toBe(202);
    expect(await rows()).toEqual([]);
  });

  test('retries an event with a corrected body', async () => {
    const wrong = payment({ event_id: 'corrected', properties: { amount: 'ten' } });
    const id = await reject(wrong);
    const again = await server.post(`/api/v1/events/rejected/${id}/retry`, { ...wrong, properties: { amount: true } });
    expect(again.status).toBe(422);
    const { status, body } = await server.post(`/api/v1/events/rejected/${id}/retry`, {
      ...wrong,
      properties: { amount: 10 },
    });
    expect([status, body.accepted]).toEqual([202, 1]);
    expect(await find(id)).toBeUndefined();
  });

  test.each(['00000000-0000-4000-8000-000000000000', 'nonsense', '1'])(
    'answers 404 for an unknown id (%s)',
    async (id) => {
      expectProblem(await server.post(`/api/v1/events/rejected/${id}/retry`), { status: 404, code: 'not_found' });
      expectProblem(await server.post(`/api/v1/events/rejected/${id}/retry`, payment()), {
        status: 404,
        code: 'not_found',
      });
    },
  );

  test('rejects an unknown page with 400', async () => {
    expectProblem(await server.get('/api/v1/events/rejected?after=here'), {
      status: 400,
      code: 'invalid_request',
      pointer: 'after',
    });
  });

  interface Rejected {
    readonly rejected_id: string;
    readonly event_id: string;
    readonly times: number;
  }

  async function list(): Promise<Rejected[]> {
    return (await server.get('/api/v1/events/rejected?limit=200')).body.rejected;
  }

  async function find(id: string): Promise<Rejected | undefined> {
    return (await list()).find((one) => one.rejected_id === id);
  }

  async function reject(event: EventFields): Promise<string> {
    expect((await server.post('/api/v1/events', event)).status).toBe(422);
    return (await list()).find((one) => one.event_id === event.event_id)?.rejected_id ?? '';
  }
});

describe('an internal error on one event', () => {
  const EMAIL = 'poison@example.com';
  class BrokenSeal extends Seal {
    override seal(text: string, purpose: string): Sealed {
      if (text === EMAIL) throw new TypeError('Cannot read properties of undefined');
      return super.seal(text, purpose);
    }
  }

  test('rejects that event only, which can be retried once the error is fixed', async () => {
    const key = Buffer.alloc(32);
    const logged: object[] = [];
    const log = { error: (line: object) => void logged.push(line) };
    const { tidings } = api;
    const serve = (seal: Seal) => testServer(otherProcess(tidings, { seal, log }, tidings.catalogs));
    const broken = await serve(new BrokenSeal(key));
    const poison = payment({ event_id: 'poison', user_traits: { email: EMAIL } });

    // One request with the event in the middle, and others that share its batch.
    const [mixed, ...others] = await Promise.all([
      broken.post('/api/v1/events', [payment(), payment(), poison, payment(), payment()]),
      broken.post('/api/v1/events', payment()),
      broken.post('/api/v1/events', [payment(), payment()]),
    ]);
    expect(mixed.status).toBe(202);
    expect(mixed.body).toMatchObject({ accepted: 4, rejected: [{ index: 2, code: 'undecidable', path: '' }] });
    expect(others.map(({ body }) => body.accepted)).toEqual([1, 2]);
    expect(logged).toEqual([{ err: expect.any(TypeError) }]);

    const { rejected } = (await broken.get('/api/v1/events/rejected')).body;
    const kept = rejected.find((one: { event_id: string }) => one.event_id === 'poison');
    expect(kept).toMatchObject({ code: 'undecidable' });
    const retry = `/api/v1/events/rejected/${kept.rejected_id}/retry`;
    expect(await broken.post(retry)).toMatchObject({ status: 422, body: { accepted: 0 } });
    await broken.close();

    const fixed = await serve(new Seal(key));
    expect(await fixed.post(retry)).toMatchObject({ status: 202, body: { accepted: 1 } });
    await fixed.close();
  });
});
